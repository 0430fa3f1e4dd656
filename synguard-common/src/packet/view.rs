//! The one way to look at a frame.

/// A frame whose bytes can be looked at, but never past its end.
///
/// The kernel implements it with pointer comparisons that the verifier
/// understands; a slice of bytes implements it for tests and for replay. The
/// parser knows no other way to reach a byte, so it cannot read out of bounds.
pub trait View {
    /// The `N` bytes from `offset`, or nothing where the frame ends before.
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]>;

    /// `value`, of which the verifier forgets what it knew: paths through a program
    /// that differ in nothing else are then followed to the end only once.
    #[inline(always)]
    fn blur(&self, value: u64) -> u64 {
        value
    }
}

/// A frame whose bytes can be replaced, but never past its end.
pub trait Edit: View {
    /// Replaces the `N` bytes from `offset`, or nothing where the frame ends before.
    fn put<const N: usize>(&mut self, offset: usize, bytes: &[u8; N]) -> Option<()>;
}

impl Edit for [u8] {
    fn put<const N: usize>(&mut self, offset: usize, bytes: &[u8; N]) -> Option<()> {
        *<[u8]>::get_mut(self, offset..)?.first_chunk_mut()? = *bytes;
        Some(())
    }
}

impl View for [u8] {
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        <[u8]>::get(self, offset..)?.first_chunk()
    }
}
