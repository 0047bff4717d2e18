// What the tests of the bridge need, in one module: one build serves most of them.
module store (
  input         clock,
  input         write,
  input  [3:0]  address,
  input  [71:0] data,
  output [71:0] word,
  output [15:0] half
);
  reg [71:0] words [0:15] /*verilator public_flat_rw*/;
  // Made public by the test, through Options::public.
  reg [15:0] halves [3:10];
  assign word = words[address];
  assign half = halves[address];
  always @(posedge clock) if (write) words[address] <= data;
endmodule

module bench (
  input              clock,
  input              reset,
  input              enable,
  input      [7:0]   refused,
  output reg [7:0]   count,
  output     [7:0]   next__count,
  input      [299:0] wide_in,
  output     [299:0] wide_out,
  output     [63:0]  wide_low,
  input              write,
  input      [3:0]   address,
  input      [71:0]  data,
  output     [71:0]  word,
  output     [15:0]  half,
  // A C++ keyword.
  input              template,
  input              oscillate,
  output             oscillation
);
  reg [7:0] unreset /*verilator public_flat_rw*/;
  assign next__count = count + {7'd0, enable};
  assign wide_out = wide_in;
  assign wide_low = wide_in[63:0];

  store bank_0 (
    .clock(clock), .write(write), .address(address), .data(data), .word(word), .half(half)
  );

  // Does not settle while `oscillate` is high.
  wire ring = oscillate & ~ring;
  assign oscillation = ring;

  always @(posedge clock) begin
    if (reset) count <= 8'd0;
    else if (enable) count <= next__count;
    if (unreset == 8'd1) unreset <= 8'd2;
    if (refused == 8'd1) assert (count > 8'd250);
    if (refused == 8'd2) $error("refused in count %0d", count);
    if (refused == 8'd3) $fatal(1, "fatal in count %0d", count);
    if (refused == 8'd4) $stop;
    if (refused == 8'd5) $finish;
    if (template) $display("count is %0d", count);
  end
endmodule
