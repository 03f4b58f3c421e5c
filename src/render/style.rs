//! How figures look: the one place for themes, colours and sizes, and for what a user may change of them.

use crate::base::registry::unknown;
use crate::base::{Error, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A colour and its opacity (0 to 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink(pub [u8; 3], pub f64);

impl Ink {
    const fn hex(rgb: u32) -> Self {
        Self([(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8], 1.0)
    }

    /// The same colour, more or less transparent.
    pub const fn alpha(self, alpha: f64) -> Self {
        Self(self.0, alpha)
    }

    /// Red, green and blue in hexadecimal, without their opacity.
    pub fn hex_digits(self) -> String {
        self.0.iter().map(|channel| format!("{channel:02x}")).collect()
    }

    /// Perceived lightness, 0 (black) to 1 (white): the luma of ITU-R BT.709 on the sRGB values.
    pub fn lightness(self) -> f64 {
        let [r, g, b] = self.0.map(f64::from);
        (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255.0
    }

    /// `share` of `other` mixed in.
    pub fn mix(self, other: Ink, share: f64) -> Self {
        let channel =
            |i: usize| (f64::from(self.0[i]) * (1.0 - share) + f64::from(other.0[i]) * share).round() as u8;
        Self([channel(0), channel(1), channel(2)], self.1)
    }
}

/// Plain black, for outlines on top of colour maps.
pub const BLACK: Ink = Ink::hex(0x000000);
/// Plain white, for marks on top of colour maps.
pub const WHITE: Ink = Ink::hex(0xffffff);
/// The head of a growing path.
pub const HEAD: Ink = Ink::hex(0xe8402a);

/// Font sizes and distances, in points.
pub mod size {
    /// Title of the figure.
    pub const TITLE: f64 = 10.5;
    /// Subtitle and legend.
    pub const SMALL: f64 = 8.0;
    /// Axis and panel titles.
    pub const LABEL: f64 = 8.5;
    /// Tick labels.
    pub const TICK: f64 = 7.5;
    /// Labels on contour lines.
    pub const INLINE: f64 = 6.5;
    /// Line height as a multiple of the font size.
    pub const LEADING: f64 = 1.3;
    /// Around the whole figure.
    pub const MARGIN: f64 = 9.0;
    /// Length of a major tick.
    pub const TICK_LENGTH: f64 = 3.2;
    /// Axis lines.
    pub const AXIS: f64 = 0.6;
}

/// What can be changed about a drawing without computing anything again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Style {
    /// Colour map of values
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Style::default().cmap)]
    pub cmap: Cmap,
    /// Logarithmic values (or not: --log=false); left out, the data decide
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub log: Option<bool>,
    /// Lowest value of the colour scale; lower ones are clipped
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub vmin: Option<f64>,
    /// Highest value of the colour scale; higher ones are clipped
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub vmax: Option<f64>,
    /// About how many contour lines
    #[arg(long, value_name = "N", default_value_t = Style::default().levels)]
    pub levels: usize,
    /// Where a surface is seen from: degrees around the vertical
    #[arg(long, value_name = "DEG", allow_negative_numbers = true, default_value_t = Style::default().azimuth)]
    pub azimuth: f64,
    /// Where a surface is seen from: degrees above the horizon
    #[arg(long, value_name = "DEG", allow_negative_numbers = true, default_value_t = Style::default().elevation)]
    pub elevation: f64,
    /// Light or dark page
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Style::default().theme)]
    pub theme: Theme,
    /// Pixels per inch of PNG files
    #[arg(long, value_name = "N", default_value_t = Style::default().dpi)]
    pub dpi: u32,
    /// Kinds of files, separated by commas; tex is a PDF without text and the .pdf_tex file by which LaTeX sets it
    #[arg(long, value_enum, value_name = "KINDS", value_delimiter = ',', default_values_t = Style::default().format)]
    pub format: Vec<Format>,
    /// Write a page too, COMMAND.html: surfaces that turn, maps, cuts and tables, in one file that needs no network
    #[arg(long)]
    pub html: bool,
    /// Width of a figure: column (3.25 in), text (5.5), page (6.75), slide (10) or inches; text keeps its size
    #[arg(long, value_name = "WIDTH")]
    pub width: Option<Width>,
    /// Size of tick labels, legends and subtitles in points; everything else goes with it
    #[arg(long, value_name = "PT", default_value_t = Style::default().font_size)]
    pub font_size: f64,
    /// Title in the place of the figure's own
    #[arg(long, value_name = "TEXT", conflicts_with = "no_title")]
    pub title: Option<String>,
    /// Second line in the place of the figure's own
    #[arg(long, value_name = "TEXT", conflicts_with = "no_title")]
    pub subtitle: Option<String>,
    /// Neither title nor second line: a paper has its caption
    #[arg(long)]
    pub no_title: bool,
    /// No page behind the figure
    #[arg(long)]
    pub transparent: bool,
    /// Value in the middle of a diverging colour map, which reaches as far to both sides
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub center: Option<f64>,
    /// Surfaces in PDF files as one image of --dpi instead of thousands of patches
    #[arg(long)]
    pub raster: bool,
    /// Write moving pictures too, NAME-moving.png: surfaces turn, paths grow (animated PNG, at most 100 dpi)
    #[arg(long)]
    pub animate: bool,
    /// Fewer shades between contour lines: a smaller picture of the same numbers, for pages that hold many.
    #[arg(skip)]
    #[serde(skip)]
    pub coarse: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            cmap: Cmap::Viridis,
            log: None,
            vmin: None,
            vmax: None,
            levels: 12,
            azimuth: -60.0,  // as in Matplotlib's mplot3d, the view readers know
            elevation: 32.0, // a little higher, so that the floor is seen behind a bowl
            theme: Theme::Light,
            dpi: 200,
            format: vec![Format::Png, Format::Svg],
            html: false,
            width: None,
            font_size: size::SMALL,
            title: None,
            subtitle: None,
            no_title: false,
            transparent: false,
            center: None,
            raster: false,
            animate: false, // sixty frames take a hundred times as long as one picture
            coarse: false,
        }
    }
}

impl Style {
    /// Refuses what cannot be drawn.
    pub fn check(&self) -> Result<()> {
        let within = |flag: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::expected(flag, format!("{low} to {high}"), value))
        };
        within("--dpi", f64::from(self.dpi), 20.0, 1200.0)?;
        within("--levels", self.levels as f64, 2.0, 200.0)?;
        within("--azimuth", self.azimuth, -360.0, 360.0)?;
        within("--elevation", self.elevation, 5.0, 90.0)?;
        within("--font-size", self.font_size, 4.0, 40.0)?;
        if let Some(Width(inches)) = self.width {
            // Below, there is no room for an axis beside its text.
            within("--width", inches * size::SMALL / self.font_size, 2.0, 40.0)?;
        }
        if self.format.is_empty() {
            return Err(Error::expected("--format", "at least one kind of file", "none"));
        }
        if self.center.is_some() && (self.vmin.is_some() || self.vmax.is_some()) {
            return Err(Error::expected("--center", "no --vmin and --vmax beside it", "one of them"));
        }
        for (flag, value) in [("--vmin", self.vmin), ("--vmax", self.vmax), ("--center", self.center)] {
            if value.is_some_and(|v| !v.is_finite()) {
                return Err(Error::expected(flag, "a finite number", value.unwrap_or_default()));
            }
        }
        match (self.vmin, self.vmax) {
            (Some(low), Some(high)) if low >= high => {
                Err(Error::expected("--vmin", format!("a value below --vmax = {high}"), low))
            }
            (_, Some(high)) if self.log == Some(true) && high <= 0.0 => {
                Err(Error::expected("--vmax", "a positive value with --log", high))
            }
            _ => Ok(()),
        }
    }
}

impl Style {
    /// Points on the page for each point that figures are laid out in: their text is 8 points high there.
    pub fn scale(&self) -> f64 {
        self.font_size / size::SMALL
    }

    /// The width of a page, in points of its layout, that has this one by itself.
    pub fn wide(&self, natural: f64) -> f64 {
        self.width.map_or(natural, |Width(inches)| inches * 72.0 / self.scale())
    }

    /// How many of `wanted` columns of panels stand side by side, and the width of the page; `natural` are the widths of pages
    /// of one, two and three columns by themselves. Columns narrower than three fifths of their own width leave one out.
    pub fn columns(&self, natural: [f64; 3], wanted: usize) -> (usize, f64) {
        let wanted = wanted.clamp(1, 3);
        let width = self.wide(natural[wanted - 1]);
        let fits = |columns: &usize| width >= 0.6 * natural[columns - 1];
        ((1..=wanted).rev().find(fits).unwrap_or(1), width)
    }
}

/// Kinds of picture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Format {
    /// Pixels
    Png,
    /// Vector graphics for the web and for editing
    Svg,
    /// Vector graphics for papers, fonts embedded
    Pdf,
    /// A PDF without text and the text as LaTeX: \\input the .pdf_tex file
    Tex,
}

impl Format {
    /// What the names of its files end in; of [`Format::Tex`] the one to name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => ".png",
            Self::Svg => ".svg",
            Self::Pdf => ".pdf",
            Self::Tex => ".pdf_tex",
        }
    }
}

/// The width of a figure in inches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Width(pub f64);

/// Names of widths: a column of a two-column paper (ICML 2025: 3.25 in), a text of one column (NeurIPS 2025: 5.5 in), both columns, and a slide.
const WIDTHS: [(&str, f64); 4] = [("column", 3.25), ("text", 5.5), ("page", 6.75), ("slide", 10.0)];

impl std::str::FromStr for Width {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match (WIDTHS.iter().find(|(name, _)| *name == text), text.parse::<f64>()) {
            (Some((_, inches)), _) => Ok(Self(*inches)),
            (None, Ok(inches)) if inches.is_finite() => Ok(Self(inches)),
            _ => Err(unknown("width", text, WIDTHS.iter().map(|w| w.0))),
        }
    }
}

impl TryFrom<String> for Width {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Width> for String {
    fn from(Width(inches): Width) -> Self {
        WIDTHS.iter().find(|w| w.1 == inches).map_or_else(|| inches.to_string(), |w| w.0.to_owned())
    }
}

/// Colour maps, all ordered by lightness or built to be read by the colour-blind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cmap {
    /// Dark blue over green to yellow
    Viridis,
    /// Black over purple to pale yellow
    Magma,
    /// Blue to yellow, the same to colour-blind readers
    Cividis,
    /// Black over red to pale yellow
    Inferno,
    /// Blue over magenta to yellow
    Plasma,
    /// Blue over green to red: vivid, not ordered by lightness
    Turbo,
    /// Blue over white to red, for values around a centre
    Balance,
    /// Green over white to purple, for values around a centre
    Orchid,
}

impl Cmap {
    /// The colour at `t` in 0 to 1; clipped outside, the lowest for NaN.
    pub fn at(self, t: f64) -> Ink {
        let gradient = match self {
            Self::Viridis => colorous::VIRIDIS,
            Self::Magma => colorous::MAGMA,
            Self::Cividis => colorous::CIVIDIS,
            Self::Inferno => colorous::INFERNO,
            Self::Plasma => colorous::PLASMA,
            Self::Turbo => colorous::TURBO,
            Self::Balance => colorous::RED_BLUE,
            Self::Orchid => colorous::PURPLE_GREEN,
        };
        // These two run from red and from purple.
        let t = if matches!(self, Self::Balance | Self::Orchid) { 1.0 - t } else { t };
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        Ink(gradient.eval_continuous(t).as_array(), 1.0)
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Theme {
    /// Dark ink on white, for papers
    Light,
    /// Light ink on near-black, for slides
    Dark,
}

impl Theme {
    /// The page.
    pub fn paper(self) -> Ink {
        self.pick(0xffffff, 0x15171c)
    }
    /// Titles, axes and tick labels.
    pub fn ink(self) -> Ink {
        self.pick(0x1c1e22, 0xe4e6ea)
    }
    /// Subtitles.
    pub fn muted(self) -> Ink {
        self.pick(0x62666e, 0x9ba1ac)
    }
    /// Grid lines and the floor of surfaces.
    pub fn faint(self) -> Ink {
        self.pick(0xe3e5e9, 0x2d313a)
    }
    /// The curve number `i`: Okabe and Ito's colours (2008), lightened on the dark page.
    pub fn curve(self, i: usize) -> Ink {
        const LIGHT: [u32; 8] =
            [0x0068a8, 0xd0550a, 0x00936b, 0xb8609a, 0xd9960a, 0x3fa3d9, 0x6b6b6b, 0x101010];
        const DARK: [u32; 8] =
            [0x5fb4f0, 0xf58a4b, 0x3fcf9f, 0xe79ac9, 0xf2c14e, 0x9bdcff, 0xb5b5b5, 0xffffff];
        self.pick(LIGHT[i % LIGHT.len()], DARK[i % DARK.len()])
    }

    fn pick(self, light: u32, dark: u32) -> Ink {
        Ink::hex(if self == Self::Light { light } else { dark })
    }
}

/// Reads and writes a `ValueEnum` by the name it has on the command line, so that recipes and flags agree.
macro_rules! by_name {
    ($Type:ident, $what:literal) => {
        impl TryFrom<String> for $Type {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                let known: Vec<String> = Self::value_variants().iter().map(|&v| v.into()).collect();
                <Self as ValueEnum>::from_str(&text, false)
                    .map_err(|_| unknown($what, &text, known.iter().map(String::as_str)))
            }
        }
        impl From<$Type> for String {
            fn from(value: $Type) -> String {
                value.to_possible_value().map_or(String::new(), |v| v.get_name().to_owned())
            }
        }
    };
}
by_name!(Cmap, "cmap");
by_name!(Theme, "theme");
by_name!(Format, "format");

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        style: Style,
    }

    #[test]
    fn flags_recipes_and_defaults_agree() -> Result<()> {
        let bare = Flags::try_parse_from(["x"]).map_err(|e| Error::request("flags", e.to_string()))?;
        assert_eq!(bare.style, Style::default());
        let flags = "x --theme dark --log=false --vmin -1 --cmap magma --animate --no-title --font-size 9 --width page --format pdf,tex";
        let flags = flags.split(' ');
        let style = Flags::try_parse_from(flags).map_err(|e| Error::request("flags", e.to_string()))?.style;
        let text = toml::to_string(&style).map_err(|e| Error::request("style", e.to_string()))?;
        assert_eq!(toml::from_str::<Style>(&text), Ok(style));
        Ok(())
    }

    #[test]
    fn refusals_name_the_flag_and_the_near_miss() {
        let message = |style: Style| style.check().err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(message(Style { dpi: 0, ..Style::default() }), "--dpi: expected 20 to 1200, found 0");
        let crossed = Style { vmin: Some(2.0), vmax: Some(1.0), ..Style::default() };
        assert!(message(crossed).starts_with("--vmin: expected a value below --vmax = 1"));
        let near = Cmap::try_from("virids".to_owned()).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(near.contains("did you mean `viridis`"), "{near}");
    }

    #[test]
    fn themes_contrast_and_maps_climb() {
        for theme in [Theme::Light, Theme::Dark] {
            let contrast = |a: Ink, b: Ink| (a.lightness() - b.lightness()).abs();
            assert!(contrast(theme.paper(), theme.ink()) > 0.7);
            assert!((0..8).all(|i| contrast(theme.paper(), theme.curve(i)) > 0.25));
        }
        for cmap in [Cmap::Viridis, Cmap::Magma, Cmap::Cividis, Cmap::Inferno, Cmap::Plasma] {
            let light: Vec<f64> = (0..=20).map(|i| cmap.at(f64::from(i) / 20.0).lightness()).collect();
            assert!(light.windows(2).all(|w| w[1] > w[0]), "{cmap:?}");
        }
    }
}
