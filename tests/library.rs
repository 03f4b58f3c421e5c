//! The library, by behaviour. One program, since each would generate much of the library's generic code again:
//! `cargo test --test library analytic::` runs one part of it.

mod analytic;
mod conformance;
mod exported;
mod figures;
mod files;
mod layering;
mod page;
mod reference;
mod render;

/// The program that the library's documentation shows.
mod quickstart {
    include!("quickstart.rs");

    #[test]
    fn runs() {
        main().unwrap();
    }
}
