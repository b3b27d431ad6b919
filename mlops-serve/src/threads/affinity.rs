//! Which cores a thread may run on.

use mlops_core::{Error, Result};

/// Keeps the calling thread, and every thread it starts from now on, on these cores. Engines that start
/// threads for a session start them from the thread that opens it.
#[cfg(target_os = "linux")]
pub(crate) fn stay_on(cores: &[usize]) -> Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};

    let mut set = CpuSet::new();
    for core in cores {
        if *core >= CpuSet::MAX_CPU {
            return Err(Error::invalid(
                "cores",
                format!("{core} is not below {}", CpuSet::MAX_CPU),
            ));
        }
        set.set(*core);
    }
    sched_setaffinity(None, &set).map_err(|error| {
        Error::invalid("cores", format!("the system refuses {cores:?} for a thread: {error}"))
    })
}

/// Only Linux lets a thread choose its cores.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stay_on(cores: &[usize]) -> Result<()> {
    Err(Error::unsupported("this system", format_args!("threads that stay on cores {cores:?}")))
}
