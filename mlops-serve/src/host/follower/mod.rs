//! [`RegistryFollower`]: serves whatever version an alias of a registry stands for.

mod back_off;
mod directory;
mod options;
mod package;
mod registry_follower;

pub use self::{
    options::FollowerOptions,
    registry_follower::{FollowerStatus, RegistryFollower},
};
