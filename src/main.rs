//! The command line program; everything is in the library.

fn main() -> std::process::ExitCode {
    swav_wgpu::launch::prepare();
    swav_wgpu::cli::run(std::env::args_os())
}
