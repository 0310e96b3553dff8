//! Writes log lines on a thread of its own, so that a host that does not read them never stops a call. What is too much
//! to keep is dropped and counted.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most text, in bytes, that waits for the host to read. A burst of a thousand calls at the most verbose level fits.
const MAX_WAITING: usize = 512 << 10;

/// The stack of a thread that only writes.
const STACK: usize = 64 << 10;

/// Where log lines go.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Whole lines.
    waiting: String,
    /// Lines that had no room since the thread last took what was waiting.
    dropped: u64,
    /// The thread is writing what it has taken.
    writing: bool,
}

impl LogWriter {
    /// Starts the thread that writes to `out`. Where lines were dropped it writes `notice` of their number.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(super) fn start(
        mut out: impl Write + Send + 'static,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let writer = Self(Arc::default());
        let thread = writer.clone();
        thread::Builder::new().name("log".to_owned()).stack_size(STACK).spawn(move || {
            loop {
                let (lines, dropped) = thread.take();
                // An error means that standard error is closed; there is no other place to report it.
                let _ = out.write_all(lines.as_bytes());
                if dropped > 0 {
                    let _ = out.write_all(notice(dropped).as_bytes());
                }
                thread.done();
            }
        })?;
        Ok(writer)
    }

    /// Queues a line, or drops it where the queue is full. Never waits for the host.
    pub(super) fn write(&self, line: &str) {
        let mut queue = self.queue();
        // After a dropped line all are dropped until the thread has taken the queue, so that the notice is in the gap.
        if queue.dropped > 0 || queue.waiting.len() + line.len() > MAX_WAITING {
            queue.dropped += 1;
        } else {
            queue.waiting.push_str(line);
        }
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, at most `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let unwritten = |queue: &mut Queue| queue.writing || queue.has_work();
        drop(self.0.changed.wait_timeout_while(self.queue(), patience, unwritten));
    }

    /// Waits for lines, and takes them all.
    fn take(&self) -> (String, u64) {
        let idle = |queue: &mut Queue| !queue.has_work();
        let mut queue = self.0.changed.wait_while(self.queue(), idle).unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        (std::mem::take(&mut queue.waiting), std::mem::take(&mut queue.dropped))
    }

    fn done(&self) {
        self.queue().writing = false;
        self.0.changed.notify_all();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.dropped > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A writer that blocks until the test resumes it.
    struct Stalled {
        resume: mpsc::Receiver<()>,
        written: mpsc::Sender<String>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.resume.recv().map_err(io::Error::other)?;
            self.written.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_beyond_the_queue_are_dropped_and_counted_where_they_are_missing() {
        let (resume, written);
        let stalled = {
            let (resume_sender, resume_receiver) = mpsc::channel();
            let (written_sender, written_receiver) = mpsc::channel();
            (resume, written) = (resume_sender, written_receiver);
            Stalled { resume: resume_receiver, written: written_sender }
        };
        let writer = LogWriter::start(stalled, |dropped| format!("dropped {dropped}\n")).unwrap();
        let line = format!("{}\n", "x".repeat(999));
        let fitting = MAX_WAITING / line.len();
        writer.write("first\n");
        writer.flush(Duration::from_millis(1)); // nothing is written, and this returns
        while !writer.queue().writing {
            thread::yield_now();
        }
        for _ in 0..fitting + 5 {
            writer.write(&line);
        }
        writer.write("short, and after the gap\n");
        for _ in 0..3 {
            resume.send(()).unwrap();
        }
        let next = || written.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(next(), "first\n");
        assert_eq!(next(), line.repeat(fitting));
        assert_eq!(next(), "dropped 6\n");
        writer.flush(Duration::from_secs(20));
        resume.send(()).unwrap();
        writer.write("last\n");
        assert_eq!(next(), "last\n", "what comes later is written again");
    }
}
