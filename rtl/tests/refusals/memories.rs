//! Memories.

use super::*;

#[test]
fn memories_of_no_use() {
    refuses("memory `words` has 1 word; expected at least 2", |m, io| {
        let words = m.memory("words", 1, 8); // refused
        words.write(io.c, io.a, io.c);
        words.read("word", io.c)
    });
    refuses("memory `words` is never read", |m, io| {
        let words = m.memory("words", 16, 8); // refused
        words.write(io.b, io.a, io.c);
        io.a
    });
    refuses("memory `words` is never written and has no initial contents", |m, io| {
        m.memory("words", 16, 8).read("word", io.b) // refused
    });
}

#[test]
fn memory_ports_of_the_wrong_width() {
    refuses("memory `words` has 4-bit addresses and is addressed by `a` (8 bits)", |m, io| {
        let words = m.memory("words", 16, 8);
        words.write(io.b, io.a, io.c);
        words.read("word", io.a) // refused
    });
    refuses("memory `words` has 8-bit words and is written with `b` (4 bits)", |m, io| {
        let words = m.memory("words", 16, 8).initial(vec![Bits::zero(8)]);
        words.write(io.b, io.b, io.c); // refused
        words.read("word", io.b)
    });
    refuses("memory `words`: 3 lane enables do not divide 8 bits", |m, io| {
        let words = m.memory("words", 16, 8).initial(vec![Bits::zero(8)]);
        words.write_lanes(io.b, io.a, io.b.truncate(3)); // refused
        words.read("word", io.b)
    });
    refuses("a write enable is `b` (4 bits); expected 1 bit", |m, io| {
        let words = m.memory("words", 16, 8);
        words.write(io.b, io.a, io.b); // refused
        words.read("word", io.b)
    });
    refuses("a read enable is `b` (4 bits); expected 1 bit", |m, io| {
        let words = m.memory("words", 16, 8);
        words.write(io.b, io.a, io.c);
        words.read_registered("word", io.b, io.b) // refused
    });
    refuses("the enable of a memory port is `b` (4 bits); expected 1 bit", |m, io| {
        m.memory("words", 16, 8).access("word", io.b, io.b, io.a, io.c) // refused
    });
}

#[test]
fn initial_contents_that_do_not_fit() {
    refuses("memory `words` has 2 words and 3 initial values", |m, io| {
        let words = m.memory("words", 2, 8).initial(vec![Bits::zero(8); 3]); // refused
        words.read("word", io.c)
    });
    refuses("memory `words` has 8-bit words and an initial value of 4 bits", |m, io| {
        let words = m.memory("words", 2, 8).initial(vec![Bits::zero(4)]); // refused
        words.read("word", io.c)
    });
}
