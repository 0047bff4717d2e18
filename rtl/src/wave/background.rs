//! A writer with a thread of its own: waveforms are large, and the simulation need not wait for the disk.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Pieces that may wait to be written: a disk is slower than a simulation at some times, and faster at others.
const WAITING: usize = 64;

/// Writes pieces in the order in which they come.
pub struct Background {
    /// `None` after the end.
    pieces: Option<SyncSender<Vec<u8>>>,
    /// Pieces that were written, to be filled again.
    written: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Background {
    pub fn new(mut to: impl Write + Send + 'static) -> Background {
        let (pieces, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let (give_back, written) = channel();
        let write = move || {
            for piece in waiting {
                to.write_all(&piece)?;
                // Nobody takes it back after the end.
                let _ = give_back.send(piece);
            }
            to.flush()
        };
        Background { pieces: Some(pieces), written, thread: Some(std::thread::spawn(write)) }
    }

    /// Hands a piece on and returns room for the next, with any contents.
    ///
    /// # Errors
    /// An earlier piece could not be written.
    pub fn write(&mut self, piece: Vec<u8>) -> io::Result<Vec<u8>> {
        let sent = self.pieces.as_ref().is_some_and(|pieces| pieces.send(piece).is_ok());
        if !sent {
            self.finish()?;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(self.written.try_recv().unwrap_or_default())
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

impl Drop for Background {
    /// Waits as well, but nobody is left to hear of a failure.
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
