//! Work with a thread of its own: waveforms are large, and the simulation need not wait until they are written.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Pieces that may wait: a disk is slower than a simulation at some times, and faster at others.
const WAITING: usize = 16;

/// What the thread does with the pieces of `T`s, in the order in which they come.
pub trait Worker<T>: Send + 'static {
    fn take(&mut self, piece: &[T]) -> io::Result<()>;

    fn finish(&mut self) -> io::Result<()>;
}

impl<W: Write + Send + 'static> Worker<u8> for W {
    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.write_all(piece)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// A worker's thread.
pub struct Background<T> {
    /// `None` after the end.
    pieces: Option<SyncSender<Vec<T>>>,
    /// Pieces that were taken, to be filled again.
    taken: Receiver<Vec<T>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl<T: Send + 'static> Background<T> {
    pub fn new(mut worker: impl Worker<T>) -> Background<T> {
        let (pieces, waiting) = sync_channel::<Vec<T>>(WAITING);
        let (give_back, taken) = channel();
        let work = move || {
            for piece in waiting {
                worker.take(&piece)?;
                // Nobody takes it back after the end.
                let _ = give_back.send(piece);
            }
            worker.finish()
        };
        Background { pieces: Some(pieces), taken, thread: Some(std::thread::spawn(work)) }
    }

    /// Hands a piece on and returns room for the next, with any contents.
    ///
    /// # Errors
    /// An earlier piece could not be written.
    pub fn hand_on(&mut self, piece: Vec<T>) -> io::Result<Vec<T>> {
        let sent = self.pieces.as_ref().is_some_and(|pieces| pieces.send(piece).is_ok());
        if !sent {
            self.finish()?;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(self.taken.try_recv().unwrap_or_default())
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// A piece could not be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.pieces = None;
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(()),
        }
    }
}

impl<T> Drop for Background<T> {
    /// Waits as well, but nobody is left to hear of a failure.
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
