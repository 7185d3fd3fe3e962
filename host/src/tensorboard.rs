//! tensorboard.
