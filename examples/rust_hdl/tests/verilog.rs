//! What rust-hdl makes of Tessera's modules, and what Verilog tools make of that.

use cosim::{Design, Options};
use rust_hdl::prelude::*;
use rust_hdl_example::{Responses, verilog};

/// Where Tessera's modules begin in rust-hdl's text.
const GUARD: &str = "`ifndef TESSERA_";

#[test]
fn verilator_has_nothing_to_say_about_the_black_boxes() {
    let text = verilog();
    let (own, boxes) = text.split_at(text.find(GUARD).expect("the black boxes come last"));
    assert!(own.contains("tile tile(") && own.contains("fifo_8x64 responses("), "rust-hdl instantiates both: {own}");
    assert!(boxes.contains("\nmodule tile (") && boxes.contains("\nmodule fifo_8x64 ("), "and has both");

    // What Verilator says of rust-hdl's own lines: constants of 32 bits, outputs that nothing reads, and one block for
    // all assignments, which makes a loop of signals that do not depend on each other.
    let lines = own.lines().count();
    let messages = cosim::verilator_lint(&Design::from_verilog("top", &text)).unwrap();
    for message in messages {
        let line = message.text.split("top.v:").nth(1).and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
        let code = message.code();
        let known = ["UNUSEDSIGNAL", "DECLFILENAME"].contains(&code) || code.starts_with("WIDTH");
        let rust_hdl = known && line.is_some_and(|line| line <= lines);
        assert!(rust_hdl || code == "UNOPTFLAT", "{message}");
    }
}

#[test]
fn yosys_finds_every_module_of_the_hierarchy() {
    let printed = cosim::yosys(&Design::from_verilog("top", verilog()), "hierarchy -check -top top").unwrap();
    assert!(printed.contains("sram_"), "{printed}");
}

#[test]
fn a_word_goes_through_rust_hdl_into_the_tile_and_back() {
    let design = Design::from_verilog("top", verilog())
        .input("clock", 1)
        .input("reset", 1)
        .input("request_valid", 1)
        .input("request_address", 24)
        .input("request_write", 1)
        .input("request_data", 64)
        .output("request_ready", 1)
        .input("response_ready", 1)
        .output("response_valid", 1)
        .output("response_data", 64)
        .output("running", 1)
        .output("failed", 1);
    let mut model = design.simulate(&Options::default()).unwrap();
    let port = |name: &str| model.port(name).unwrap();
    let [reset, valid, address, write, data] =
        ["reset", "request_valid", "request_address", "request_write", "request_data"].map(port);
    let [request_ready, ready, response_valid, response, failed] =
        ["request_ready", "response_ready", "response_valid", "response_data", "failed"].map(port);
    model.set_u64(reset, 1);
    model.step(2).unwrap();
    model.set_u64(reset, 0);

    // Eight writes and eight reads, with a host that takes responses only when it has no request to make.
    const WORDS: u64 = 8;
    let word = |i: u64| 0x0123_4567_89AB_CDEF * (2 * i + 1);
    let mut responses = vec![];
    for request in 0..2 * WORDS {
        model.set_u64(valid, 1);
        model.set_u64(address, 8 * (request % WORDS));
        model.set_u64(write, u64::from(request < WORDS));
        model.set_u64(data, word(request % WORDS));
        for cycle in 0.. {
            assert!(cycle < 100, "request {request} is not taken");
            model.eval().unwrap();
            let taken = model.get_u64(request_ready) == 1;
            // The queue is full: the host must take a response before it can go on.
            model.set_u64(ready, u64::from(!taken));
            model.eval().unwrap();
            if !taken && model.get_u64(response_valid) == 1 {
                responses.push(model.get_u64(response));
            }
            model.step(1).unwrap();
            if taken {
                break;
            }
        }
    }
    model.set_u64(valid, 0);
    model.set_u64(ready, 1);
    for _ in 0..100 {
        model.eval().unwrap();
        if model.get_u64(response_valid) == 1 {
            responses.push(model.get_u64(response));
        }
        model.step(1).unwrap();
    }
    assert_eq!(responses.len() as u64, 2 * WORDS);
    assert_eq!(responses[WORDS as usize..], (0..WORDS).map(word).collect::<Vec<_>>());
    assert_eq!(model.get_u64(failed), 0);
}

#[test]
fn two_blocks_of_one_design_share_its_modules() {
    #[derive(LogicBlock, Default)]
    struct Two {
        clock: Signal<In, Clock>,
        reset: Signal<In, Bit>,
        push_valid: Signal<In, Bit>,
        push_data: Signal<In, Bits<64>>,
        pop_ready: Signal<In, Bit>,
        pop_valid: Signal<Out, Bit>,
        pop_data: Signal<Out, Bits<64>>,
        first: Responses,
        second: Responses,
    }

    impl Logic for Two {
        #[hdl_gen]
        fn update(&mut self) {
            self.first.clock.next = self.clock.val();
            self.first.reset.next = self.reset.val();
            self.first.push_valid.next = self.push_valid.val();
            self.first.push_data.next = self.push_data.val();
            self.first.pop_ready.next = self.second.push_ready.val();
            self.second.clock.next = self.clock.val();
            self.second.reset.next = self.reset.val();
            self.second.push_valid.next = self.first.pop_valid.val();
            self.second.push_data.next = self.first.pop_data.val();
            self.second.pop_ready.next = self.pop_ready.val();
            self.pop_valid.next = self.second.pop_valid.val();
            self.pop_data.next = self.second.pop_data.val();
        }
    }

    let mut top = Two::default();
    top.connect_all();
    let text = generate_verilog(&top);
    assert_eq!(text.matches(GUARD).count(), 2, "rust-hdl adds the text for each block");
    let design = Design::from_verilog("top", &text);
    cosim::yosys(&design, "hierarchy -check -top top").unwrap();
    for message in cosim::verilator_lint(&design).unwrap() {
        assert!(!message.text.starts_with("%Error"), "{message}");
    }
}

#[test]
fn ports_that_do_not_fit_are_refused_by_name() {
    #[derive(LogicBlock, Default)]
    struct Wrong {
        clock: Signal<In, Clock>,
        reset: Signal<In, Bit>,
        push_valid: Signal<In, Bit>,
        push_data: Signal<In, Bits<32>>,
        pop_ready: Signal<Out, Bit>,
        push_ready: Signal<Out, Bit>,
        pop_valid: Signal<Out, Bit>,
        data: Signal<Out, Bits<64>>,
        count: Signal<Out, Bits<4>>,
    }

    impl Logic for Wrong {
        fn update(&mut self) {}
    }

    let design = rtl::elaborate(&rtl::generic::fifo::Fifo { depth: 8, bits: 64 }).unwrap();
    let mismatch = fpga::rust_hdl::black_box(&design, &Wrong::default()).unwrap_err();
    let expected = "ports of module fifo_8x64: `data` is not a port of the module; \
                    `pop_data` is missing, expected Signal<Out, Bits<64>>; \
                    `pop_ready` is Signal<Out, Bit>, expected Signal<In, Bit>; \
                    `push_data` is Signal<In, Bits<32>>, expected Signal<In, Bits<64>>";
    assert_eq!(mismatch.to_string(), expected);
}
