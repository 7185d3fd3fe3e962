//! Random numbers that are the same whenever a call is made again.

use sha2::{Digest as _, Sha256};
use wasmtime::{Result, bail};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::{CALL_FUEL, Wasi};

/// Of one call. Arbitrary: runtimes ask for some dozens.
const BYTES_MAX: u64 = 1 << 20;
/// SHA-256 takes about as long as so many instructions for a byte.
const BYTE_FUEL: u64 = 20;

/// The hashes of a seed and a counter.
pub(super) struct Numbers {
    seed: [u8; 32],
    counter: u64,
}

impl Numbers {
    pub(super) fn new(seed: impl AsRef<[u8]>) -> Self {
        Self { seed: Sha256::digest(seed).into(), counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes());
        self.counter += 1;
        block.finalize().into()
    }

    fn u64(&mut self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.block();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Wasi {
    fn bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.pay(CALL_FUEL.saturating_add(length.saturating_mul(BYTE_FUEL)))?;
        if length > BYTES_MAX {
            bail!("{length} random bytes in one call, the limit is {BYTES_MAX}");
        }
        let mut bytes = Vec::with_capacity(length as usize + 32);
        while (bytes.len() as u64) < length {
            bytes.extend(self.numbers.block());
        }
        bytes.truncate(length as usize);
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64> {
        self.pay(CALL_FUEL + 32 * BYTE_FUEL)?;
        Ok(self.numbers.u64())
    }
}

impl random::Host for Wasi {
    fn get_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.bytes(length)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        self.number()
    }
}

impl insecure::Host for Wasi {
    fn get_insecure_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        self.number()
    }
}

impl insecure_seed::Host for Wasi {
    fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        Ok((self.number()?, self.number()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `s = hashlib.sha256(b"seed").digest()`, then
    /// `struct.unpack("<Q", hashlib.sha256(s + struct.pack("<Q", counter)).digest()[:8])`.
    const EXPECTED: [u64; 2] = [9_885_667_256_050_267_852, 9_658_116_283_504_686_303];

    #[test]
    fn numbers_are_hashes_of_the_seed_and_a_counter() {
        let mut numbers = Numbers::new("seed");
        assert_eq!([numbers.u64(), numbers.u64()], EXPECTED);
        assert_eq!(Numbers::new("seed").u64(), EXPECTED[0]);
        assert_ne!(Numbers::new("tree").u64(), EXPECTED[0]);
    }
}
