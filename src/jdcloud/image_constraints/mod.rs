//! `describeImageConstraintsBatch`: the operation, the meaning of constraints, and the batching of reads.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod batch;
pub(crate) mod constraint;
