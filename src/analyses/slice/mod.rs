//! The slice: loss and accuracy over a line, a plane or a space through a trained network.
//!
//! L(x, y) = L(theta + x d + y e), with d and e as `landscape::directions` draws them and `normalizations` scales them (Li
//! et al. 2018). Several networks, or several draws of the directions, are views of one result, on one colour scale.
//!
//! `facts` is what is known of a view before its first point, `view` a finished one, `result` all of them, `figures` how they
//! look, `draws` how many are enough, `typical` what they hide. `place` is what directions see of a network, `points` evaluates points and keeps them in a log, `compute` makes a
//! view ready for it. `shard` is a part of a slice that several machines share, `merge` joins parts.

mod analysis;
mod compute;
pub mod draws;
mod facts;
mod figures;
mod merge;
mod place;
mod points;
mod result;
mod shard;
mod typical;
mod view;

pub use compute::{discard, logs, part, run};
pub use draws::Repeat;
pub use merge::{is_part, merge};
pub use result::SliceResult;
pub use view::View;

use super::range::Side;
use super::run::{at_most, gibibytes};
use super::statistics::{GroupSize, Stats};
use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result};
use crate::landscape::directions::{Draw, Length};
use crate::landscape::measures::{Computed, Measure};
use crate::landscape::{Direction, Map, Normalization};
use crate::nn::Role;
use serde::{Deserialize, Serialize};

/// Settings of a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SliceSettings {
    /// Points along the first direction, as min:max:n, or n alone [default: -1:1:51, or what the directions show]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub x: Option<Side>,
    /// Points along the second direction [default: as --x]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub y: Option<Side>,
    /// Points along a third direction, for a volume
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub z: Option<Side>,
    /// Go along the first direction only
    #[arg(long, default_value_t = false)]
    pub line: bool,
    /// Where the directions come from
    #[arg(long, value_name = "KIND", default_value_t = SliceSettings::default().directions)]
    pub directions: Direction,
    /// What a step of length 1 means [default: filter for random directions, none for others]
    #[arg(long, value_name = "KIND")]
    pub normalize: Option<Normalization>,
    /// Let biases move too, each along itself; they stand still otherwise
    #[arg(long, default_value_t = false)]
    pub biases: bool,
    /// Let scales and shifts of norms move too, each along itself; they stand still otherwise
    #[arg(long, default_value_t = false)]
    pub norms: bool,
    /// Make each direction orthogonal to those before, after normalisation
    #[arg(long, default_value_t = false)]
    pub orthogonal: bool,
    /// Number of draws, with this seed and those after it, side by side; or until=SHARE: until the band of the median loss along
    /// the radius is narrower than this share of its range
    #[arg(long, value_name = "N", default_value_t = SliceSettings::default().repeat)]
    pub repeat: Repeat,
    /// Most draws of --repeat until=SHARE; more are exit code 3 [default: 50]
    #[arg(long, value_name = "N")]
    pub most: Option<usize>,
    /// Also say whether the directions are typical: the curvature along each, and the trace, the ends and the negative eigenvalues of
    /// the Hessian in the same scale (some hundred products with it for each network)
    #[arg(long, default_value_t = false)]
    pub typical: bool,
    /// What each --run is called in figures [default: its directory's name]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// What to map beside loss and accuracy: kinds separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub maps: Vec<Map>,
    /// Evaluate coarsely first and refine where interpolation errs by more than this share of the range
    #[arg(long, value_name = "TOLERANCE", num_args = 0..=1, default_missing_value = "0.01")]
    pub adaptive: Option<f64>,
    /// Statistics of batch norm and its kin, and singular vectors of spectral norm: as training left them (running), of the
    /// samples at hand (batch, which keeps the vectors), or recomputed at every point (refresh) [default: running]
    #[arg(long, value_name = "KIND")]
    pub stats: Option<Stats>,
    /// Samples in a group that shares statistics, with --stats batch or refresh: a number, or `all` [default: the
    /// training batch]
    #[arg(long, value_name = "N")]
    pub stat_batch: Option<GroupSize>,
    /// Evaluate on the first N training samples only (they are in random order), with standard errors [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Evaluate on the first N test samples only; 0 for none [default: all]
    #[arg(long, value_name = "N")]
    pub test_samples: Option<usize>,
    /// Seed of the directions
    #[arg(long, value_name = "N", default_value_t = SliceSettings::default().seed)]
    pub seed: u64,
    /// Element type [default: the one that the network was trained in]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<Precision>,
    /// Write slice.vti, and slice.vtp for a plane, for ParaView; a volume is always written
    #[arg(long, default_value_t = false)]
    pub vtk: bool,
    /// Memory for values that are kept instead of computed again, in GiB
    #[arg(long, value_name = "GIB", default_value_t = SliceSettings::default().memory)]
    pub memory: f64,
}

impl Default for SliceSettings {
    fn default() -> Self {
        Self {
            x: None,
            y: None,
            z: None,
            line: false,
            directions: Direction::default(),
            normalize: None,
            biases: false,
            norms: false,
            orthogonal: false,
            repeat: Repeat::Times(1),
            most: None,
            typical: false,
            labels: Vec::new(),
            maps: Vec::new(),
            adaptive: None,
            stats: None,
            stat_batch: None,
            samples: None,
            test_samples: None,
            seed: 0,
            precision: None,
            vtk: false,
            memory: 4.0,
        }
    }
}

/// Points a side: of a line, a plane (Li et al. 2018) and a volume.
const SIDES: [usize; 3] = [101, 51, 21];

/// Bytes that a point of the grid takes: its results, their places in the log and in the archive.
const POINT: usize = 256;

impl SliceSettings {
    /// Number of directions.
    pub fn dimensions(&self) -> usize {
        match (self.line, self.z) {
            (true, _) => 1,
            (false, None) => 2,
            (false, Some(_)) => 3,
        }
    }

    /// What is asked of each axis.
    pub fn sides(&self) -> Vec<Side> {
        let points = Side::Points(SIDES[self.dimensions() - 1]);
        let x = self.x.unwrap_or(points);
        // Ends that were given for x are meant for y only where y's are not known better.
        let other = match self.directions.length() {
            Length::Fixed => Side::Points(x.n()),
            _ => x,
        };
        [x, self.y.unwrap_or(other), self.z.unwrap_or(other)][..self.dimensions()].to_vec()
    }

    /// Points of one view.
    pub fn points(&self) -> f64 {
        self.sides().iter().map(|side| side.n() as f64).product()
    }

    /// The settings with what they leave open filled in, as far as no network is needed for it.
    pub fn resolved(&self) -> Self {
        let known = self.directions.length() != Length::Fixed;
        let side = |k: usize| {
            let side = *self.sides().get(k)?;
            Some(if known { Side::Range(side.over((-1.0, 1.0))) } else { side })
        };
        let normalize = self.normalize.clone().unwrap_or_else(|| match self.directions.length() {
            Length::Drawn => Normalization::default(),
            _ => Normalization::Nothing(Default::default()),
        });
        Self { x: side(0), y: side(1), z: side(2), normalize: Some(normalize), ..self.clone() }
    }

    /// Whether parameters with `role`, which is none of weights, move along themselves.
    fn moves(&self, role: Role) -> bool {
        match role {
            Role::Bias => self.biases,
            _ => self.norms,
        }
    }

    /// How many draws there are, at most.
    pub fn draws(&self) -> usize {
        match self.repeat {
            Repeat::Times(n) => n,
            Repeat::Until(_) => self.most.unwrap_or(draws::MOST),
        }
    }

    /// The memory that the results of the grid take, in bytes, for so many networks.
    pub fn grid_bytes(&self, networks: usize) -> f64 {
        self.points() * (self.draws() * networks * POINT) as f64
    }

    /// Refuses settings that do not fit a network in `precision` with `samples` training samples.
    pub fn check_for(&self, precision: Precision, samples: usize) -> Result<()> {
        let precision = self.precision.unwrap_or(precision);
        for (flag, side) in ["--x", "--y", "--z"].iter().zip(self.sides()) {
            let Side::Range(range) = side else { continue };
            let same = |w: &[f64]| precision.round(w[0]) == precision.round(w[1]);
            let points = range.points();
            if points.windows(2).any(same) {
                let expected = format!("points that differ in {precision}");
                let found = format!("{:e} between two", points[1] - points[0]);
                return Err(Error::expected(*flag, expected, found));
            }
        }
        self.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"))
    }

    /// Refuses settings that make no sense for so many networks, before anything is loaded or trained.
    pub fn check(&self, networks: usize) -> Result<()> {
        let refuse = |at: &str, expected: &str, found: &str| Err(Error::expected(at, expected, found));
        if self.samples == Some(0) {
            return Err(Error::expected("--samples", "at least 1", 0));
        }
        if self.line && (self.y.is_some() || self.z.is_some()) {
            return refuse("--line", "--x alone", "--y or --z");
        }
        match (self.repeat, self.most) {
            (Repeat::Times(n), _) if !(1..=1000).contains(&n) => {
                return Err(Error::expected("--repeat", "1 to 1000", n));
            }
            (Repeat::Times(_), Some(most)) => {
                return Err(Error::expected("--most", "--repeat until=SHARE", most));
            }
            (Repeat::Until(share), _) if !(share > 0.0 && share < 1.0) => {
                return Err(Error::expected("--repeat until", "a number between 0 and 1", share));
            }
            (Repeat::Until(_), Some(most)) if !(draws::FEWEST..=1000).contains(&most) => {
                return Err(Error::expected("--most", format!("{} to 1000", draws::FEWEST), most));
            }
            _ => {}
        }
        self.directions.fits(self.dimensions())?;
        let length = self.directions.length();
        if self.draws() > 1 && !self.directions.varies(self.dimensions()) {
            let found = format!("{}, the same for every seed", self.directions.name());
            return Err(Error::expected("--repeat", "directions that are drawn", found));
        }
        if self.typical && length != Length::Drawn {
            return refuse("--typical", "directions that are drawn at random", self.directions.name());
        }
        if let (true, Some(flag)) = (
            self.typical,
            [("--biases", self.biases), ("--norms", self.norms), ("--orthogonal", self.orthogonal)]
                .into_iter()
                .find_map(|(flag, set)| set.then_some(flag)),
        ) {
            return refuse("--typical", "weights that move at random, each direction by itself", flag);
        }
        let scaled = self.normalize.as_ref().is_some_and(|n| !matches!(n, Normalization::Nothing(_)));
        if scaled && length == Length::Fixed {
            let expected =
                format!("none with --directions {}, whose lengths have a meaning", self.directions.name());
            return Err(Error::expected(
                "--normalize",
                expected,
                self.normalize.as_ref().map_or("", |n| n.name()),
            ));
        }
        if (self.biases || self.norms) && !scaled && length != Length::Drawn {
            let flag = if self.biases { "--biases" } else { "--norms" };
            return refuse(
                flag,
                "a normalization, which alone holds them still",
                "directions that move everything",
            );
        }
        if self.orthogonal && length == Length::Fixed {
            return refuse("--orthogonal", "directions that are drawn", self.directions.name());
        }
        if !self.labels.is_empty() && self.labels.len() != networks {
            return Err(Error::expected("--labels", format!("{networks}, one a --run"), self.labels.len()));
        }
        if let Some(tolerance) = self.adaptive {
            if !(tolerance > 0.0 && tolerance < 1.0) {
                return Err(Error::expected("--adaptive", "a number between 0 and 1", tolerance));
            }
            if self.dimensions() != 2 {
                return refuse("--adaptive", "a plane", "a line or a volume");
            }
        }
        for map in &self.maps {
            let at = format!("--maps {}", map.name());
            if map.computed() == Computed::FromPlane && self.dimensions() != 2 {
                return refuse(&at, "a plane", "a line or a volume");
            }
            if self.test_samples == Some(0) && map.reads().iter().any(|m| m.starts_with("test")) {
                return refuse(&at, "test samples", "--test-samples 0");
            }
        }
        for (i, map) in self.maps.iter().enumerate() {
            if self.maps[..i].iter().any(|m| m.name() == map.name()) {
                return refuse("--maps", "each kind once", map.name());
            }
        }
        let bytes = self.grid_bytes(networks);
        if bytes > gibibytes(self.memory)? as f64 {
            let gib = bytes / f64::from(1 << 30);
            let sides: Vec<String> = self.sides().iter().map(|s| s.n().to_string()).collect();
            let views = self.draws() * networks;
            let of = if views > 1 { format!("{views} views of ") } else { String::new() };
            return Err(Error::expected(
                "--x, --y",
                format!("a grid whose results fit in {} GiB (--memory)", self.memory),
                format!("{of}{} = {:.0} points, {gib:.1} GiB", sides.join(" x "), self.points()),
            ));
        }
        Ok(())
    }
}
