//! The elementary functions in f32: their constants. The equations stand in the [module above](super), the code in
//! `shared.rs`.

use super::polynomial;
use super::shared::elementary_functions;

elementary_functions!(f32, u32);

/// e^x is infinite from here on.
const EXP_IS_INFINITE: f32 = 89.0;
/// e^x is 0 from here down.
const EXP_IS_ZERO: f32 = -105.0;
/// ln 2 to 15 bits after the point, so that n times it is exact for every n that occurs.
const LN_2_HIGH: f32 = 0.693_145_75;
/// ln 2 - [`LN_2_HIGH`].
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// (e^r - 1 - r) / r^2 on |r| <= ln(2)/2: relative error of e^r - 1 2^-31.0.
const EXP: [f32; 6] = [0.5, 0.166_666_66, 0.041_666_467, 0.008_333_644, 0.001_393_505_4, 0.000_196_629_55];

/// R in s^2 on sqrt(1/2) <= 1 + f <= sqrt(2), see [`ln_of_parts`]: relative error of ln(1 + f) 2^-30.2.
const LN: [f32; 3] = [0.666_667_76, 0.399_775_86, 0.298_706_95];
/// R in s^2 on 1 <= 1 + f <= 2: relative error of ln(1 + f) 2^-33.0.
const LN_TO_TWO: [f32; 5] = [0.666_666_75, 0.399_989_5, 0.286_152_18, 0.214_437_34, 0.242_462_6];

/// erf rounds to 1 from here on.
const ERF_IS_ONE: f32 = 3.95;
/// 2/sqrt(pi) less its rounded value: almost half an ulp, too much to leave out.
const ERF_SLOPE_REST: f32 = -5.863_538_3e-8;
/// (-ln(erfc a) / a - 2/sqrt(pi)) / a on 0 <= a <= [`ERF_IS_ONE`], numerator: relative error of erf 2^-29.3.
const ERF_NUMERATOR: [f32; 4] = [0.636_619_75, 0.599_742_77, 0.238_546_97, 0.037_235_14];
/// Its denominator.
const ERF_DENOMINATOR: [f32; 4] = [1.0, 0.780_638_04, 0.278_739_93, 0.037_251_83];

/// e^(-x^2/2) is 0 from here on.
const DENSITY_IS_ZERO: f32 = 14.5;
/// G(a) = e^(a^2/2) Phi(-a) on 0 <= a <= [`DENSITY_IS_ZERO`], numerator: relative error 2^-26.3.
const TAIL_NUMERATOR: [f32; 5] = [0.5, 0.438_496_86, 0.183_384_93, 0.040_683_754, 0.004_123_821_4];
/// Its denominator.
const TAIL_DENOMINATOR: [f32; 6] = [1.0, 1.674_878_7, 1.203_124_8, 0.469_866_13, 0.101_985_42, 0.010_336_77];
