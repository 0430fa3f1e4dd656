//! The packet path's own debug log, off unless asked for.

use aya::Ebpf;
use aya_log::EbpfLogger;
use tokio::io::unix::AsyncFd;

use crate::Result;
use crate::error::Context as _;

/// Passes on what the packet path logs, until the task is dropped.
pub(super) fn forward(ebpf: &mut Ebpf) -> Result<()> {
    let logger = EbpfLogger::init(ebpf).context("opening the kernel-side log")?;
    // SAFETY: the logger owns its descriptor for as long as it lives.
    let mut logger =
        unsafe { AsyncFd::register(logger) }.context("waiting for the kernel-side log")?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}
