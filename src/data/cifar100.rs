//! CIFAR-100: 60,000 colour images of 32 x 32 pixels in 100 classes, or the 20 classes above them, in its binary
//! version.
//!
//! The directory holds `train.bin` and `test.bin`; see [`cifar`]. The path is kept as given.

use crate::base::registry::Kind;
use crate::base::{Result, Streams};
use crate::data::Raw;
use crate::data::cifar::{self, Record};
use serde::{Deserialize, Serialize};

crate::kind! {
    /// CIFAR-100 in its binary version.
    Cifar100 = "cifar100",
        "CIFAR-100's binary version (train.bin, test.bin): cifar100:directory=PATH, labels fine or coarse", paths &["directory"];
    /// Directory with train.bin and test.bin.
    directory: String,
    /// Which labels: 100 fine classes or 20 coarse ones.
    labels: Labels,
}

/// Which of the two labels of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// 100 classes.
    #[default]
    Fine,
    /// 20 classes of 5 fine ones each.
    Coarse,
}

impl Cifar100 {
    /// The images, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        let directory = cifar::directory(Self::NAME, &self.directory, "train.bin and test.bin")?;
        // Coarse label, fine label, pixels.
        let record = match self.labels {
            Labels::Fine => Record { labels: 2, label: 1, classes: 100 },
            Labels::Coarse => Record { labels: 2, label: 0, classes: 20 },
        };
        cifar::load(&[directory.join("train.bin")], &[directory.join("test.bin")], record)
    }
}
