//! The `losscape` command: everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    losscape::cli::main(std::env::args_os())
}
