//! A provider bridge: connects networks to a physical one.
//!
//! Each physical network has its own. What no network of the model maps is dropped on its way out,
//! so that two hosts cannot exchange frames around the model.

mod local_switching;

use crate::table::Pipeline;

/// The tables of a provider bridge.
pub(crate) static PIPELINE: Pipeline = Pipeline::new("br-ex", &[&local_switching::TABLE], &[]);
