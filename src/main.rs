//! The command line program; everything is in the library.

fn main() -> std::process::ExitCode {
    swav_wgpu::launch::quiet_drivers();
    swav_wgpu::cli::run(std::env::args_os())
}
