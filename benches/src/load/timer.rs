//! [`Timer`]: waiting for a time.

use tokio::time::Instant;

#[cfg(target_os = "linux")]
pub(super) use self::kernel::KernelTimer as FineTimer;

#[cfg(not(target_os = "linux"))]
pub(super) use self::runtime::RuntimeTimer as FineTimer;

/// Waits for a time.
pub(super) trait Timer: Send + 'static {
    /// Returns at this time or soon after.
    fn wait_until(&mut self, time: Instant) -> impl Future<Output = ()> + Send;
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::{io, os::fd::OwnedFd, time::Duration};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver, time::Instant};

    use super::Timer;

    /// The kernel's own timer. The runtime's counts whole milliseconds, which would add up to one to
    /// every latency of an open loop.
    #[derive(Debug)]
    pub(in crate::load) struct KernelTimer {
        timer: OwnedFd,
        /// The same descriptor, as something the runtime can wait for: a timer becomes readable like a
        /// pipe.
        expirations: Receiver,
    }

    impl KernelTimer {
        pub(in crate::load) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let expirations = Receiver::from_owned_fd_unchecked(timer.try_clone()?)?;
            Ok(Self { timer, expirations })
        }

        async fn sleep(&mut self, time: Duration) -> io::Result<()> {
            let after = Timespec {
                tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: time.subsec_nanos().into(),
            };
            let once =
                Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: after };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            // How often it went off; a timer has nothing else to read.
            self.expirations.read_u64_le().await?;
            Ok(())
        }
    }

    impl Timer for KernelTimer {
        async fn wait_until(&mut self, time: Instant) {
            let left = time.saturating_duration_since(Instant::now());
            if !left.is_zero() && self.sleep(left).await.is_err() {
                // The runtime's is coarser and as good otherwise.
                tokio::time::sleep_until(time).await;
            }
        }
    }
}

#[cfg(any(test, not(target_os = "linux")))]
pub(super) mod runtime {
    use std::io;

    use tokio::time::Instant;

    use super::Timer;

    /// The runtime's timer, which is coarse, and runs on virtual time in tests.
    #[derive(Debug)]
    pub(in crate::load) struct RuntimeTimer;

    impl RuntimeTimer {
        pub(in crate::load) fn new() -> io::Result<Self> {
            Ok(Self)
        }
    }

    impl Timer for RuntimeTimer {
        async fn wait_until(&mut self, time: Instant) {
            tokio::time::sleep_until(time).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_returns_too_early() {
        let mut timer = FineTimer::new().unwrap();
        for micros in [0, 1, 30, 300, 3000] {
            let time = Instant::now() + Duration::from_micros(micros);
            timer.wait_until(time).await;
            assert!(Instant::now() >= time);
        }
        timer.wait_until(Instant::now() - Duration::from_secs(1)).await;
    }
}
