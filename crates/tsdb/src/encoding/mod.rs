//! How samples become bytes and back, to the bit.
//!
//! A chunk's bytes are *blocks*, one after the other. Each block stands for itself, so that a reader can step over the
//! blocks before the time it wants:
//!
//! ```text
//! count   varint
//! head    1 byte, see `block::Head`
//! times   varint offset of the first sample from the chunk's start;
//!         regular: varint step; irregular: the deltas, packed (`times`)
//! values  integers, packed (`integers`): either n of value = n / denominator (`decimal`) or the value's own bits;
//!         then, where the head says so, the values that the denominator cannot express, each with its place
//! ```
//!
//! A run of one value at regular times is a block of a dozen bytes, however long it is.

pub(crate) mod block;
mod decimal;
mod integers;
mod times;
mod wire;
