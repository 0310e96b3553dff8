//! `describeImageConstraintsBatch`: the operation, what a constraint means, and how many reads become few calls.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod batch;
pub(crate) mod constraint;
