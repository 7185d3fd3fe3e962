//! The numbers of tensors on a CPU, as our own kernels read and write them.

use tch::{Device, Kind, Tensor};

/// What a tensor holds. It is computed with in f32.
pub(super) trait Element: Copy + sealed::Sealed + 'static {
    const KIND: Kind;

    /// The numbers in f32, exactly; in `scratch`, which is as long, where they are not that already.
    fn widened<'a>(numbers: &'a [Self], scratch: &'a mut [f32]) -> &'a [f32];

    fn widen(self) -> f32;

    /// To the nearest, ties to even.
    fn round(number: f32) -> Self;
}

/// The upper half of an f32.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Bf16(u16);

/// Evaluates an expression with the element type of a kind under the given name.
macro_rules! with_element {
    ($kind:expr, $element:ident => $body:expr) => {
        match $kind {
            tch::Kind::Float => {
                type $element = f32;
                $body
            }
            tch::Kind::BFloat16 => {
                type $element = $crate::element::Bf16;
                $body
            }
            kind => unreachable!("there is no kernel for {kind:?}"),
        }
    };
}
pub(super) use with_element;

/// Whether [`with_element`] knows the kind.
pub(super) fn is_element(kind: Kind) -> bool {
    matches!(kind, Kind::Float | Kind::BFloat16)
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for super::Bf16 {}
}

// All of this is inlined into kernels: elsewhere it would be compiled without the wider instructions.

impl Element for f32 {
    const KIND: Kind = Kind::Float;

    #[inline(always)]
    fn widened<'a>(numbers: &'a [Self], _scratch: &'a mut [f32]) -> &'a [f32] {
        numbers
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    fn round(number: f32) -> Self {
        number
    }
}

impl Element for Bf16 {
    const KIND: Kind = Kind::BFloat16;

    #[inline(always)]
    fn widened<'a>(numbers: &'a [Self], scratch: &'a mut [f32]) -> &'a [f32] {
        let wide = &mut scratch[..numbers.len()];
        for (wide, number) in wide.iter_mut().zip(numbers) {
            *wide = number.widen();
        }
        wide
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    #[inline(always)]
    fn round(number: f32) -> Self {
        let bits = number.to_bits();
        // Half of the last place that is kept, less one where that place is even.
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        // The addition could carry a NaN over into a number.
        Self(if number.is_nan() { 0x7fc0 } else { rounded as u16 })
    }
}

/// The numbers of a contiguous tensor on the CPU.
pub(super) fn slice<E: Element>(tensor: &Tensor) -> &[E] {
    check::<E>(tensor);
    // SAFETY: the memory is as checked, and lives as long as the tensor.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<E>(), tensor.numel()) }
}

/// The numbers of a contiguous tensor on the CPU, to be written.
pub(super) fn slice_mut<E: Element>(tensor: &mut Tensor) -> &mut [E] {
    check::<E>(tensor);
    // SAFETY: the memory is as checked. Callers hold the only handle whose numbers are read meanwhile.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<E>(), tensor.numel()) }
}

fn check<E: Element>(tensor: &Tensor) {
    assert!(tensor.kind() == E::KIND && tensor.device() == Device::Cpu && tensor.is_contiguous());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libtorch rounds them too.
    #[test]
    fn bf16_is_rounded_as_libtorch_rounds() {
        let every_4096th = (0..1u32 << 20).map(|i| f32::from_bits(i << 12));
        let around_ties =
            (0..1u32 << 16).flat_map(|i| [0x7fff, 0x8000, 0x8001].map(|low| f32::from_bits(i << 16 | low)));
        let numbers: Vec<f32> = every_4096th.chain(around_ties).collect();
        let expected = Tensor::from_slice(&numbers).to_kind(Kind::BFloat16);
        for (number, expected) in numbers.into_iter().zip(slice::<Bf16>(&expected)) {
            let (ours, expected) = (Bf16::round(number).widen(), expected.widen());
            assert!(ours == expected || ours.is_nan() && expected.is_nan(), "{number}: {ours}, not {expected}");
        }
        assert!(Bf16::round(f32::from_bits(u32::MAX)).widen().is_nan());
    }
}
