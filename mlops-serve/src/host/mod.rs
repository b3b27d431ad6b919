//! A running set of models.

mod models;
mod table;

pub use self::{
    models::{ModelState, ModelStatus, Models},
    table::ModelTable,
};
