//! The one way to look at a frame.

/// A frame whose bytes can be looked at, but never past its end.
///
/// The kernel implements it with pointer comparisons that the verifier
/// understands; a slice of bytes implements it for tests and for replay. The
/// parser knows no other way to reach a byte, so it cannot read out of bounds.
pub trait View {
    /// The `N` bytes from `offset`, or nothing where the frame ends before.
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]>;
}

impl View for [u8] {
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        <[u8]>::get(self, offset..)?.first_chunk()
    }
}
