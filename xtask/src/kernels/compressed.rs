//! Kernels and modules come compressed, each release in its own way.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;

const ELF: &[u8] = b"\x7fELF";
const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Writes to `output` the ELF file that `input` is, or holds compressed.
pub fn unpack(input: &Path, output: &Path) -> Result<()> {
    let unpacked = || format!("{} could not be unpacked", input.display());
    let bytes = fs::read(input).with_context(unpacked)?;
    let tool = match &bytes {
        bytes if bytes.starts_with(ELF) => {
            fs::write(output, bytes).with_context(unpacked)?;
            return Ok(());
        }
        bytes if bytes.starts_with(XZ) => "xz",
        bytes if bytes.starts_with(ZSTD) => "zstd",
        _ => bail!("{} is neither xz nor zstd nor ELF", input.display()),
    };
    let file = File::create(output).with_context(unpacked)?;
    process::run(
        Command::new(tool)
            .args(["--decompress", "--stdout", "--quiet"])
            .arg(input)
            .stdout(file),
    )?;
    let is_elf = fs::read(output).with_context(unpacked)?.starts_with(ELF);
    ensure!(is_elf, "{} holds no ELF file", input.display());
    Ok(())
}

/// The compressed vmlinux in a bzImage, as its boot header tells
/// (Documentation/arch/x86/boot.rst). Emulated, the bzImage's own
/// decompression would take seconds.
pub fn payload(image: &[u8]) -> Result<&[u8]> {
    slice(image).context("the kernel's image is no bzImage of boot protocol 2.08 or newer")
}

fn slice(image: &[u8]) -> Option<&[u8]> {
    let magic = image.get(0x202..0x206)?;
    let version = u16::from_le_bytes(image.get(0x206..0x208)?.try_into().ok()?);
    if magic != b"HdrS" || version < 0x208 {
        return None;
    }
    // The header's way to say four.
    let sectors = match image[0x1f1] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = (sectors + 1) * 512 + word(image, 0x248)?;
    // The last four bytes say how long it is uncompressed.
    let length = word(image, 0x24c)?.checked_sub(4)?;
    image.get(start..start.checked_add(length)?)
}

fn word(image: &[u8], at: usize) -> Option<usize> {
    let bytes = image.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Vec<u8> {
        let mut image = vec![0; 2048];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
        image[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&9_u32.to_le_bytes());
        image[1040..1049].copy_from_slice(b"hello\x01\x02\x03\x04");
        image
    }

    #[test]
    fn the_payload_is_found_without_its_length() {
        assert_eq!(payload(&image()).expect("it is there"), b"hello");
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(payload(b"").is_err());
        assert!(payload(&[0; 4096]).is_err());
        // Cut off within the payload.
        assert!(payload(&image()[..1042]).is_err());
    }
}
