//! Studies: a recipe says what is claimed, what varies, what is trained and measured and what is expected; a study runs it and
//! says how it came out.
//!
//! | file | what it holds |
//! |---|---|
//! | `recipe` | a recipe, read and found to make sense |
//! | `written` | its parts as they are written: measures, figures, other scales |
//! | `axis` | what varies, the cases, conditions on them |
//! | `overlay` | settings by their path |
//! | `pass` | an analysis of a case |
//! | `expression` | arithmetic over measured numbers |
//! | `unit` | one case with one seed: trained, measured, kept in a file |
//! | `engine` | plan, rehearsal, all cases in parallel |
//! | `verdict` | what is expected, effect, interval, verdict |
//! | `result` | tables and arrays, saved and read back |
//! | `figures` | lines over an axis, curves of training |
//! | `maps` | measures over two axes |
//! | `drawn` | what analyses drew, side by side |
//!
//! Nothing here names a claim: what a claim needs, any recipe can use.

pub mod axis;
pub mod builtin;
mod drawn;
pub mod engine;
pub mod expression;
mod figures;
mod labels;
mod maps;
pub mod overlay;
mod pass;
pub mod recipe;
pub mod result;
pub mod unit;
pub mod verdict;
pub mod written;

pub use engine::StudyEvent;
pub use pass::Pass;
pub use recipe::{Asked, Recipe};
pub use result::StudyResult;
