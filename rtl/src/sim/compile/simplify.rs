//! Constructors of words: constants are folded, and what known zero bits make superfluous is dropped.

use super::graph::{Graph, Term, Word, fill_down, ones};

impl Graph {
    pub fn zero(&mut self) -> Word {
        self.constant(0)
    }

    /// Operands in an order of their own: a constant stands second, and repetitions have theirs in the same order.
    fn ordered(&self, a: Word, b: Word) -> (Word, Word) {
        let key = |word: Word| {
            let origin = self.origin(word);
            (self.value(word).is_some(), origin.family, origin.step, word)
        };
        if key(a) < key(b) { (a, b) } else { (b, a) }
    }

    pub fn and(&mut self, a: Word, b: Word) -> Word {
        let (a, b) = self.ordered(a, b);
        match (self.value(a), self.value(b)) {
            (Some(mask), _) => return self.place(b, 0, mask),
            (_, Some(mask)) => return self.place(a, 0, mask),
            _ if a == b => return a,
            _ => {}
        }
        for (a, b) in [(a, b), (b, a)] {
            // a & (x ^ ones) is a & !x.
            if let Term::Xor(x, ones) = self.term(b)
                && let Some(ones) = self.value(ones)
                && self.may(a) & !ones == 0
            {
                return self.and_not(a, x);
            }
        }
        let may = self.may(a) & self.may(b);
        self.intern(Term::And(a, b), may)
    }

    pub fn and_not(&mut self, a: Word, b: Word) -> Word {
        if let Some(value) = self.value(b) {
            return self.place(a, 0, !value);
        }
        if a == b {
            return self.zero();
        }
        let may = self.may(a);
        if may & self.may(b) == 0 {
            return a;
        }
        self.intern(Term::AndNot(a, b), may)
    }

    pub fn or(&mut self, a: Word, b: Word) -> Word {
        let (a, b) = self.ordered(a, b);
        for (a, b) in [(a, b), (b, a)] {
            if let Some(value) = self.value(a) {
                if value == 0 {
                    return b;
                }
                if self.may(b) & !value == 0 {
                    return a;
                }
            }
        }
        if a == b {
            return a;
        }
        for (a, b) in [(a, b), (b, a)] {
            if let Term::Place { a: piece, rotate, mask } = self.term(b) {
                return self.insert(a, piece, rotate, mask);
            }
        }
        let may = self.may(a) | self.may(b);
        self.intern(Term::Or(a, b), may)
    }

    pub fn xor(&mut self, a: Word, b: Word) -> Word {
        let (a, b) = self.ordered(a, b);
        if a == b {
            return self.zero();
        }
        if let Some(right) = self.value(b) {
            if right == 0 {
                return a;
            }
            if let Some(left) = self.value(a) {
                return self.constant(left ^ right);
            }
            if let Term::Xor(x, inner) = self.term(a)
                && let Some(inner) = self.value(inner)
            {
                let folded = self.constant(inner ^ right);
                return self.xor(x, folded);
            }
        }
        let may = self.may(a) | self.may(b);
        self.intern(Term::Xor(a, b), may)
    }

    /// Complement of the low `bits` bits.
    pub fn not(&mut self, a: Word, bits: usize) -> Word {
        let ones = self.constant(ones(bits));
        self.xor(a, ones)
    }

    pub fn add(&mut self, a: Word, b: Word, keep: usize) -> Word {
        let (a, b) = self.ordered(a, b);
        for (a, b) in [(a, b), (b, a)] {
            if self.value(a) == Some(0) {
                return self.place(b, 0, ones(keep));
            }
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            return self.constant(x.wrapping_add(y) & ones(keep));
        }
        let largest = self.may(a) as u128 + self.may(b) as u128;
        let fits = largest <= ones(keep) as u128;
        let may = if fits { fill_down(largest as u64) } else { ones(keep) };
        let keep = if fits { 64 } else { keep as u8 };
        self.intern(Term::Add { a, b, keep }, may)
    }

    pub fn sub(&mut self, a: Word, b: Word, keep: usize) -> Word {
        if self.value(b) == Some(0) {
            return self.place(a, 0, ones(keep));
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            return self.constant(x.wrapping_sub(y) & ones(keep));
        }
        if a == b {
            return self.zero();
        }
        self.intern(Term::Sub { a, b, keep: keep as u8 }, ones(keep))
    }

    pub fn add_carry(&mut self, a: Word, b: Word, carry: Word, keep: usize) -> Word {
        for (a, b, c) in [(a, b, carry), (b, a, carry), (carry, a, b)] {
            if self.value(a) == Some(0) {
                return self.add(b, c, keep);
            }
        }
        let (a, b) = self.ordered(a, b);
        self.intern(Term::AddCarry { a, b, carry, keep: keep as u8 }, ones(keep))
    }

    pub fn carry(&mut self, a: Word, b: Word, carry: Word) -> Word {
        let largest = self.may(a) as u128 + self.may(b) as u128 + self.may(carry) as u128;
        if largest >> 64 == 0 {
            return self.zero();
        }
        let (a, b) = self.ordered(a, b);
        self.intern(Term::Carry(a, b, carry), 1)
    }

    pub fn sub_borrow(&mut self, a: Word, b: Word, borrow: Word, keep: usize) -> Word {
        if self.value(borrow) == Some(0) {
            return self.sub(a, b, keep);
        }
        if self.value(b) == Some(0) {
            return self.sub(a, borrow, keep);
        }
        self.intern(Term::SubBorrow { a, b, borrow, keep: keep as u8 }, ones(keep))
    }

    pub fn borrow(&mut self, a: Word, b: Word, borrow: Word) -> Word {
        if self.value(borrow) == Some(0) {
            return self.lt(a, b);
        }
        if self.value(b) == Some(0) {
            return self.lt(a, borrow);
        }
        if a == b {
            return borrow;
        }
        self.intern(Term::Borrow(a, b, borrow), 1)
    }

    pub fn mul(&mut self, a: Word, b: Word) -> Word {
        let (a, b) = self.ordered(a, b);
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            return self.constant(x.wrapping_mul(y));
        }
        for (a, b) in [(a, b), (b, a)] {
            if let Some(value) = self.value(a)
                && value.is_power_of_two()
            {
                let shift = value.trailing_zeros() as u8;
                return self.place(b, shift, u64::MAX << shift);
            }
        }
        let largest = fill_down(self.may(a)) as u128 * fill_down(self.may(b)) as u128;
        let may = if largest >> 64 == 0 { fill_down(largest as u64) } else { u64::MAX };
        self.intern(Term::Mul(a, b), may)
    }

    pub fn mul_high(&mut self, a: Word, b: Word) -> Word {
        let (a, b) = self.ordered(a, b);
        let high = ((self.may(a) as u128 * self.may(b) as u128) >> 64) as u64;
        if let (Some(_), Some(_)) = (self.value(a), self.value(b)) {
            return self.constant(high);
        }
        self.intern(Term::MulHigh(a, b), fill_down(high))
    }

    pub fn equal(&mut self, a: Word, b: Word) -> Word {
        if a == b {
            return self.constant(1);
        }
        for (a, b) in [(a, b), (b, a)] {
            let Some(value) = self.value(a) else { continue };
            if value & !self.may(b) != 0 || self.value(b).is_some() {
                return self.zero();
            }
            if self.may(b) == 1 {
                return if value == 1 { b } else { self.not(b, 1) };
            }
        }
        let (a, b) = self.ordered(a, b);
        self.intern(Term::Eq(a, b), 1)
    }

    /// One where `a` is not zero.
    pub fn any(&mut self, a: Word) -> Word {
        let zero = self.zero();
        let is_zero = self.equal(a, zero);
        self.not(is_zero, 1)
    }

    pub fn lt(&mut self, a: Word, b: Word) -> Word {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => return self.constant((x < y) as u64),
            (_, Some(0)) => return self.zero(),
            (Some(0), _) => return self.any(b),
            // Above everything that `a` can be.
            (_, Some(y)) if y > self.may(a) => return self.constant(1),
            _ if a == b => return self.zero(),
            _ => {}
        }
        self.intern(Term::Lt(a, b), 1)
    }

    pub fn lt_signed(&mut self, a: Word, b: Word, bits: usize) -> Word {
        if a == b {
            return self.zero();
        }
        if let (Some(x), Some(y)) = (self.value(a), self.value(b)) {
            let extend = |value: u64| (value << (64 - bits)) as i64;
            return self.constant((extend(x) < extend(y)) as u64);
        }
        if self.value(b) == Some(0) {
            return self.place(a, ((65 - bits) % 64) as u8, 1);
        }
        self.intern(Term::LtSigned { a, b, bits: bits as u8 }, 1)
    }

    pub fn parity(&mut self, a: Word) -> Word {
        match self.value(a) {
            Some(value) => self.constant(value.count_ones() as u64 & 1),
            None if self.may(a) == 1 => a,
            None => self.intern(Term::Parity(a), 1),
        }
    }

    /// `rotate_left(a, rotate) & mask`.
    pub fn place(&mut self, a: Word, rotate: u8, mask: u64) -> Word {
        let turn = u32::from(rotate);
        let mask = mask & self.may(a).rotate_left(turn);
        if mask == 0 {
            return self.zero();
        }
        if rotate == 0 && mask == self.may(a) {
            return a;
        }
        match self.term(a) {
            Term::Constant(value) => return self.constant(value.rotate_left(turn) & mask),
            Term::Place { a: inner, rotate: before, .. } => {
                return self.place(inner, (before + rotate) % 64, mask);
            }
            Term::Insert { into, a: piece, rotate: before, mask: piece_mask } => {
                let from_piece = piece_mask.rotate_left(turn) & mask;
                if from_piece == 0 {
                    return self.place(into, rotate, mask);
                }
                if self.may(into).rotate_left(turn) & mask == 0 {
                    return self.place(piece, (before + rotate) % 64, from_piece);
                }
            }
            _ => {}
        }
        self.intern(Term::Place { a, rotate, mask }, mask)
    }

    /// `into | rotate_left(a, rotate) & mask`.
    pub fn insert(&mut self, into: Word, a: Word, rotate: u8, mask: u64) -> Word {
        let placed = self.place(a, rotate, mask);
        match self.term(placed) {
            Term::Place { a, rotate, mask } if self.value(into) != Some(0) => match self.term(into) {
                // Neighbouring pieces of one word.
                Term::Place { a: other, rotate: r, mask: m } if other == a && r == rotate => {
                    self.place(a, rotate, m | mask)
                }
                Term::Insert { into: rest, a: other, rotate: r, mask: m } if other == a && r == rotate => {
                    self.insert(rest, a, rotate, m | mask)
                }
                _ => {
                    let may = self.may(into) | mask;
                    self.intern(Term::Insert { into, a, rotate, mask }, may)
                }
            },
            _ => self.or(into, placed),
        }
    }

    /// `(a << left) >> right`, the right shift arithmetic, of which `keep` bits remain.
    pub fn sign_extend(&mut self, a: Word, left: usize, right: usize, keep: usize) -> Word {
        if let Some(value) = self.value(a) {
            return self.constant((((value << left) as i64) >> right) as u64 & ones(keep));
        }
        if left == right && keep <= 64 - left {
            return self.place(a, 0, ones(keep));
        }
        if self.may(a) << left >> 63 == 0 {
            // The sign is zero.
            let placed = self.place(a, left as u8 % 64, u64::MAX << left);
            return self.place(placed, (64 - right as u8) % 64, u64::MAX >> right & ones(keep));
        }
        let (left, right, keep) = (left as u8, right as u8, keep as u8);
        self.intern(Term::SignExtend { a, left, right, keep }, ones(keep.into()))
    }

    pub fn mux(&mut self, select: Word, on_true: Word, on_false: Word) -> Word {
        if on_true == on_false {
            return on_true;
        }
        if let Some(select) = self.value(select) {
            return if select == 1 { on_true } else { on_false };
        }
        // A select is one bit, so an exclusive OR of it with a constant is its complement.
        if let Term::Xor(inner, constant) = self.term(select)
            && self.value(constant) == Some(1)
        {
            return self.mux(inner, on_false, on_true);
        }
        if let Term::Mux { select: inner, on_false: visible, .. } = self.term(on_false)
            && inner == select
        {
            return self.mux(select, on_true, visible);
        }
        if let Term::Mux { select: inner, on_true: visible, .. } = self.term(on_true)
            && inner == select
        {
            return self.mux(select, visible, on_false);
        }
        let may = self.may(on_true) | self.may(on_false);
        if may == 1 {
            match (self.value(on_true), self.value(on_false)) {
                (Some(1), Some(_)) => return select,
                (Some(_), Some(_)) => return self.not(select, 1),
                (Some(1), _) => return self.or(select, on_false),
                (Some(_), _) => return self.and_not(on_false, select),
                (_, Some(0)) => return self.and(select, on_true),
                _ => {}
            }
        }
        self.intern(Term::Mux { select, on_true, on_false }, may)
    }

    /// Entry `min(index, last)` of `options`.
    pub fn select(&mut self, index: Word, mut options: Vec<Word>) -> Word {
        let last = options.len() - 1;
        if let Some(index) = self.value(index) {
            return options[(index as usize).min(last)];
        }
        let reachable = (self.may(index) as usize).min(last);
        options.truncate(reachable + 1);
        if options.iter().all(|&option| option == options[0]) {
            return options[0];
        }
        if options.len() == 2 {
            let other = self.any(index);
            return self.mux(other, options[1], options[0]);
        }
        let may = options.iter().fold(0, |may, &option| may | self.may(option));
        let table = self.intern_table(options);
        self.intern(Term::Select { index, table }, may)
    }

    /// Word `part` of the memory word at `address`, of `bits` bits.
    pub fn memory_read(&mut self, address: Word, memory: u32, part: u32, bits: usize) -> Word {
        self.intern(Term::MemoryRead { address, memory, part }, ones(bits))
    }
}
