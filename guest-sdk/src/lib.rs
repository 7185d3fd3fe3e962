//! Write verifiable environments for `azr-host`.
