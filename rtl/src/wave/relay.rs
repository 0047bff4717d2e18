//! Waveforms of a design from the VCD that another simulator of its Verilog writes: the same names, readings and times
//! as those of the native simulator.

use std::collections::HashMap;
use std::io::{self, Write};

use vcd::{Header, IdCode, ScopeItem};

use super::recorder::nothing_shown;
use super::{CYCLE_NS, Recorder, Waveform};
use crate::design::Design;

/// Takes a VCD, byte by byte, and writes waveforms.
///
/// The VCD has, as Verilator's of `testbench/cosim` has, the falling edge of cycle k at 10k + 5 ns and its rising edge
/// at 10k + 10 ns; values at 0 ns are those before the first cycle. Inputs that change after the last edge are not in
/// it, and so not in the waveforms.
pub struct Relay {
    design: Design,
    /// Until the header is complete.
    waveforms: Vec<Waveform>,
    /// Bytes of the header, or of a line that is not complete.
    pending: Vec<u8>,
    /// Once the header is complete.
    body: Option<Body>,
}

struct Body {
    recorder: Recorder,
    /// Variables of the recorder by the number of their identifier.
    variables: HashMap<u64, u32>,
    changed: Vec<u32>,
    /// Time of the changes, in the VCD.
    time: u64,
}

impl Relay {
    /// Waveforms of `design`. They begin when the VCD's header has come.
    pub fn new(design: Design, waveforms: Vec<Waveform>) -> Relay {
        Relay { design, waveforms, pending: vec![], body: None }
    }

    /// The end: the last changes are shown, and all is written out.
    ///
    /// # Errors
    /// The first failure to write a waveform; one had no cycle to show.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(mut body) = self.body.take() else { return Err(nothing_shown()) };
        body.show();
        // The clock falls once more, as at the end of native waveforms.
        body.recorder.show(body.time / CYCLE_NS, false, &[]);
        body.recorder.finish()
    }

    /// If the header is complete, reads it, and returns where the rest begins.
    fn read_header(&mut self) -> io::Result<Option<usize>> {
        const END: &[u8] = b"$enddefinitions";
        let Some(end) = self.pending.windows(END.len()).position(|window| window == END) else { return Ok(None) };
        let Some(line) = self.pending[end..].iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let rest = end + line + 1;
        let header = vcd::Parser::new(&self.pending[..rest]).parse_header()?;
        let names = names(&header, &self.design.top().name)?;
        let mut numbers: HashMap<IdCode, usize> = HashMap::new();
        let mut missing = None;
        let waveforms = std::mem::take(&mut self.waveforms);
        let recorder = Recorder::new(&self.design, waveforms, |scope, name| {
            let path = format!("{}{}", scope.prefix, name.text);
            let next = numbers.len();
            match names.get(&path) {
                Some(&(id, width)) if width == name.width => Some(*numbers.entry(id).or_insert(next)),
                _ => {
                    missing.get_or_insert(format!("the waveform has no `{path}` of {} bits", name.width));
                    None
                }
            }
        })?;
        if let Some(missing) = missing {
            return Err(invalid(&missing));
        }
        let variables =
            numbers.iter().map(|(id, &variable)| (number(id.to_string().as_bytes()), variable as u32)).collect();
        self.body = Some(Body { recorder, variables, changed: vec![], time: 0 });
        Ok(Some(rest))
    }
}

impl Write for Relay {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        let mut begin = 0;
        if self.body.is_none() {
            match self.read_header()? {
                Some(rest) => begin = rest,
                None => return Ok(bytes.len()),
            }
        }
        let body = self.body.as_mut().expect("the header was read");
        while let Some(length) = self.pending[begin..].iter().position(|&byte| byte == b'\n') {
            body.line(&self.pending[begin..begin + length])?;
            begin += length + 1;
        }
        self.pending.drain(..begin);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        match line.first() {
            Some(b'#') => {
                self.show();
                let digits = std::str::from_utf8(&line[1..]).ok().and_then(|digits| digits.trim().parse().ok());
                self.time = digits.ok_or_else(|| invalid("a time is not a number"))?;
            }
            Some(b'b') => {
                let space = line.iter().position(|&byte| byte == b' ').ok_or_else(|| invalid("a value has no name"))?;
                self.change(&line[1..space], &line[space + 1..]);
            }
            Some(b'0' | b'1') => self.change(&line[..1], &line[1..]),
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self, digits: &[u8], id: &[u8]) {
        let Some(&variable) = self.variables.get(&number(id)) else { return };
        let range = self.recorder.words(variable as usize);
        let words = &mut self.recorder.values[range];
        words.fill(0);
        for (index, &digit) in digits.iter().rev().enumerate().take(64 * words.len()) {
            words[index / 64] |= u64::from(digit & 1) << (index % 64);
        }
        self.changed.push(variable);
    }

    /// Shows what has changed at the time of the moment.
    fn show(&mut self) {
        if let Some(half) = (2 * self.time / CYCLE_NS).checked_sub(1) {
            self.recorder.show(half / 2, half % 2 == 1, &self.changed);
        }
        self.changed.clear();
    }
}

/// The number of an identifier of up to nine characters.
fn number(id: &[u8]) -> u64 {
    id.iter().filter(|byte| byte.is_ascii_graphic()).fold(0, |number, &byte| 94 * number + u64::from(byte - b' '))
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Path, from below the scope of the top module, of every variable, with its identifier and width.
fn names(header: &Header, top: &str) -> io::Result<HashMap<String, (IdCode, usize)>> {
    fn find<'h>(items: &'h [ScopeItem], name: &str) -> Option<&'h vcd::Scope> {
        items.iter().find_map(|item| match item {
            ScopeItem::Scope(scope) if scope.identifier == name => Some(scope),
            ScopeItem::Scope(scope) => find(&scope.items, name),
            _ => None,
        })
    }
    fn collect(items: &[ScopeItem], prefix: &str, names: &mut HashMap<String, (IdCode, usize)>) {
        for item in items {
            match item {
                ScopeItem::Scope(scope) => collect(&scope.items, &format!("{prefix}{}.", scope.identifier), names),
                ScopeItem::Var(var) => {
                    names.insert(format!("{prefix}{}", var.reference), (var.code, var.size as usize));
                }
                _ => {}
            }
        }
    }
    let scope = find(&header.items, top).ok_or_else(|| invalid(&format!("the waveform has no scope `{top}`")))?;
    let mut names = HashMap::new();
    collect(&scope.items, "", &mut names);
    Ok(names)
}
