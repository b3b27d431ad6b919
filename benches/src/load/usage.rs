//! [`Usage`]: what processes use, as Linux tells it.

use std::{collections::HashMap, fs, io, time::Duration};

use rustix::param::{clock_ticks_per_second, page_size};

/// CPU time and memory of one or several processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// CPU time, the kernel's on their behalf included, in ticks of 10 ms.
    pub cpu: Duration,
    /// Memory resident at the end, summed: what processes share counts for each of them.
    pub resident_bytes: u64,
}

impl Usage {
    /// What this process has used so far.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn of_this_process() -> io::Result<Self> {
        let process = Process::read("self")?;
        Ok(Self { cpu: process.cpu, resident_bytes: process.resident_bytes })
    }

    /// What a process and all that it started have used so far.
    ///
    /// # Errors
    /// If `/proc` cannot be read, or there is no such process.
    pub fn of_process_tree(pid: u32) -> io::Result<Self> {
        let mut total = Self::default();
        for process in tree(pid)? {
            total.cpu += process.cpu;
            total.resident_bytes += process.resident_bytes;
        }
        Ok(total)
    }

    /// The CPU time since an earlier reading; the memory of this one.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(earlier.cpu), ..self }
    }
}

/// A process and all that it started, itself first.
///
/// # Errors
/// If `/proc` cannot be read, or there is no such process.
pub fn process_tree(pid: u32) -> io::Result<Vec<u32>> {
    Ok(tree(pid)?.into_iter().map(|process| process.pid).collect())
}

fn tree(pid: u32) -> io::Result<Vec<Process>> {
    let mut found = vec![Process::read(&pid.to_string())?];
    let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else {
            continue;
        };
        // A process may end while the list is read.
        if let Ok(process) = Process::read(name) {
            children.entry(process.parent).or_default().push(process);
        }
    }
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let theirs = children.remove(&process.pid);
        found.extend(theirs.into_iter().flatten());
        next += 1;
    }
    Ok(found)
}

#[derive(Debug)]
struct Process {
    pid: u32,
    parent: u32,
    cpu: Duration,
    resident_bytes: u64,
}

impl Process {
    fn read(pid: &str) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&text)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("odd stat: {text}")))
    }

    /// The form is in proc_pid_stat(5).
    fn parse(text: &str) -> Option<Self> {
        // The command, in parentheses, may hold anything, parentheses too.
        let (head, tail) = text.rsplit_once(')')?;
        let pid = head.split(' ').next()?.parse().ok()?;
        let fields: Vec<&str> = tail.split_whitespace().collect();
        // Numbered from 3 on the manual's page: user and system time, and those of children that
        // have ended.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = field(14)? + field(15)? + field(16)? + field(17)?;
        Some(Self {
            pid,
            parent: field(4)?.try_into().ok()?,
            cpu: Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64),
            resident_bytes: field(24)? * page_size() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_by_the_manual() {
        let text = "42 (a (b) 7) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 9 0 5 6 256 7 8";
        let process = Process::parse(text).unwrap();
        assert_eq!((process.pid, process.parent), (42, 7));
        assert_eq!(process.cpu.as_secs_f64() * clock_ticks_per_second() as f64, 124.0);
        assert_eq!(process.resident_bytes, 256 * page_size() as u64);
        assert!(Process::parse("42 (short) S 7").is_none());
    }

    #[test]
    fn a_tree_holds_the_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let child_only = loop {
            // It has no memory before it has begun.
            let usage = Usage::of_process_tree(child.id()).unwrap();
            if usage.resident_bytes > 0 {
                break usage;
            }
            std::thread::yield_now();
        };
        let tree = Usage::of_process_tree(std::process::id()).unwrap();
        assert_eq!(process_tree(child.id()).unwrap(), [child.id()]);
        assert!(process_tree(std::process::id()).unwrap().contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(tree.resident_bytes > child_only.resident_bytes);
        assert!(Usage::of_process_tree(child.id()).is_err(), "it has ended");
    }
}
