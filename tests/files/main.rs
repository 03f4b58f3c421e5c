//! Data and files: every data set keeps its promises, and every broken file is refused in one clear line.

mod data;
