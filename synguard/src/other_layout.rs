//! The same program with another map layout, for the tests of taking over.

#[path = "main.rs"]
mod program;

fn main() -> std::process::ExitCode {
    program::main()
}
