// One verilated model behind the C interface that library.rs loads.
//
// A failure in the Verilog ($error, $fatal, $stop, a failed assert) is recorded and reported by the call in
// which it happened. A failure of the simulation itself (logic that does not settle) leaves the model in
// the middle of an evaluation: it is unwound by an exception, and the model refuses every later call.

#include "Vmodel.h"
#include "cosim_ports.h"  // generated: COSIM_TRACE, CLOCKED, set_clock(), clear_inputs(), port_address()
#include "verilated_syms.h"
#if COSIM_TRACE
#include "verilated_vcd_c.h"
#endif

#include <climits>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// The n-th rising edge is at time 10 n.
constexpr uint64_t HALF_CYCLE_TIME = 5;
constexpr size_t KEPT_MESSAGE_BYTES = 1 << 20;

enum Status : uint32_t { OK = 0, FINISHED = 1, FAILED = 2, BROKEN = 3 };

struct Broken {};

struct Variable {
    const char* scope;
    const char* name;
    void* data;
    uint32_t width_bits;
    uint32_t depth;
    uint32_t stride_bytes;
};

// Width of one element. Later Verilators have entBits(), and an elements(0) that does not know the width.
template <typename Declared>
auto element_bits(const Declared& variable, int) -> decltype(variable.entBits()) {
    return variable.entBits();
}
template <typename Declared>
uint32_t element_bits(const Declared& variable, long) {
    return variable.elements(0);
}

#if COSIM_TRACE
using WritePiece = void (*)(void* output, const char* bytes, size_t length);

// The runtime's file, whose bytes go to the test bench.
class TraceStream : public VerilatedVcdFile {
    WritePiece m_write;
    void* m_output;

public:
    bool declares_signal = false;

    TraceStream(WritePiece write, void* output) : m_write{write}, m_output{output} {}
    bool open(const std::string&) override { return true; }
    void close() override {}
    ssize_t write(const char* bytes, ssize_t length) override {
        // Until the header's first variable, which is in one of the first pieces.
        if (!declares_signal)
            declares_signal = std::string{bytes, static_cast<size_t>(length)}.find("$var") != std::string::npos;
        m_write(m_output, bytes, length);
        return length;
    }
};
#endif

struct Simulation {
    // The model refers to its context: destroyed after it.
    VerilatedContext context;
    std::unique_ptr<Vmodel> top;
#if COSIM_TRACE
    std::unique_ptr<TraceStream> stream;  // outlives the trace
    std::unique_ptr<VerilatedVcdC> trace;
#endif
    std::vector<Variable> variables;
    std::string messages;
    std::string failure;
    size_t reported = 0;  // messages before this place belong to earlier evaluations or failures
    Status status = OK;
    bool broken = false;

    void raise(Status level) {
        if (status < level) status = level;
    }

    void evaluate() {
        if (messages.size() > KEPT_MESSAGE_BYTES) messages.erase(0, messages.size() - KEPT_MESSAGE_BYTES / 2);
        reported = messages.size();
        top->eval();
    }

    void advance(uint64_t time) {
        context.timeInc(time);
        evaluate();
#if COSIM_TRACE
        if (trace) trace->dump(context.time());
#endif
    }

    // The clock is left high: inputs that change next show up in a waveform at the falling edge, half a
    // cycle before the edge that samples them.
    void cycle() {
        if (CLOCKED) {
            set_clock(*top, 0);
            advance(HALF_CYCLE_TIME);
            set_clock(*top, 1);
            advance(HALF_CYCLE_TIME);
        } else {
            advance(2 * HALF_CYCLE_TIME);
        }
    }

    void list_variables() {
        for (const auto& scope : *context.scopeNameMap()) {
            if (!scope.second->varsp()) continue;
            for (const auto& entry : *scope.second->varsp()) {
                const VerilatedVar& variable = entry.second;
                if (variable.isParam() || !variable.isPublicRW()) continue;
                uint32_t depth = 1;
                for (int dimension = 1; dimension <= variable.udims(); ++dimension)
                    depth *= variable.elements(dimension);
                const uint32_t bytes = static_cast<uint32_t>(variable.totalSize());
                variables.push_back({scope.first, entry.first, variable.datap(), element_bits(variable, 0), depth,
                                     bytes / depth});
            }
        }
    }
};

// The simulation whose evaluation runs on this thread: the runtime's callbacks carry no user data.
thread_local Simulation* current = nullptr;

template <typename Body>
Status run(Simulation* simulation, Body body) {
    if (simulation->broken) return BROKEN;
    current = simulation;
    Verilated::threadContextp(&simulation->context);
    simulation->status = OK;
    simulation->failure.clear();
    try {
        body();
    } catch (const Broken&) {
        simulation->broken = true;
    } catch (const std::exception& exception) {
        simulation->failure += exception.what();
        simulation->broken = true;
    }
    if (simulation->broken) simulation->status = BROKEN;
    current = nullptr;
    return simulation->status;
}


}  // namespace

void cosim_print(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (current) {
        va_list copy;
        va_copy(copy, arguments);
        const int length = std::vsnprintf(nullptr, 0, format, copy);
        va_end(copy);
        if (length > 0) {
            std::string& text = current->messages;
            const size_t end = text.size();
            text.resize(end + length + 1);
            std::vsnprintf(&text[end], length + 1, format, arguments);
            text.pop_back();
        }
    } else {
        std::vfprintf(stderr, format, arguments);
    }
    va_end(arguments);
}

void vl_finish(const char*, int, const char*) {
    if (current) current->raise(FINISHED);
}

void vl_stop(const char* filename, int line, const char*) {
    if (!current) return;
    // What a failed assertion says is printed just before it stops.
    if (current->reported < current->messages.size()) {
        current->failure += current->messages.substr(current->reported);
        current->reported = current->messages.size();
    } else {
        current->failure += std::string{filename} + ":" + std::to_string(line) + ": $stop\n";
    }
    current->raise(FAILED);
}

void vl_fatal(const char* filename, int line, const char*, const char* message) {
    if (!current) std::terminate();
    current->failure += std::string{filename} + ":" + std::to_string(line) + ": " + message + "\n";
    throw Broken{};
}

// `initial`: registers without a reset start as 0: zeros, 1: ones, 2: random from `seed`.
EXPORT Simulation* cosim_create(int initial, int seed, uint32_t* status) {
    std::unique_ptr<Simulation> simulation{new Simulation};
    *status = run(simulation.get(), [&] {
        simulation->context.randReset(initial);
        simulation->context.randSeed(seed);
#if COSIM_TRACE
        simulation->context.traceEverOn(true);
#endif
        simulation->top.reset(new Vmodel{&simulation->context, ""});
        // A random initial state is for registers, not for the clock.
        clear_inputs(*simulation->top);
        simulation->list_variables();
        simulation->evaluate();
    });
    return simulation.release();
}

EXPORT void cosim_destroy(Simulation* simulation) {
    run(simulation, [&] {
#if COSIM_TRACE
        if (simulation->trace) simulation->trace->close();
#endif
        simulation->top->final();
    });
    Verilated::threadContextp(&simulation->context);
#if COSIM_TRACE
    simulation->trace.reset();
#endif
    simulation->top.reset();
    delete simulation;
}

EXPORT void* cosim_port(Simulation* simulation, uint32_t index) { return port_address(*simulation->top, index); }

EXPORT uint32_t cosim_eval(Simulation* simulation) {
    return run(simulation, [&] { simulation->evaluate(); });
}

// Stops after the cycle in which something other than OK happened; `done` counts that cycle.
EXPORT uint32_t cosim_step(Simulation* simulation, uint64_t cycles, uint64_t* done) {
    *done = 0;
    return run(simulation, [&] {
        while (*done < cycles && simulation->status == OK) {
            ++*done;
            simulation->cycle();
        }
    });
}

EXPORT const char* cosim_failure(Simulation* simulation) { return simulation->failure.c_str(); }

EXPORT const char* cosim_messages(Simulation* simulation) { return simulation->messages.c_str(); }

EXPORT void cosim_clear_messages(Simulation* simulation) {
    simulation->messages.clear();
    simulation->reported = 0;
}

EXPORT bool cosim_variable(Simulation* simulation, uint32_t index, Variable* variable) {
    if (index >= simulation->variables.size()) return false;
    *variable = simulation->variables[index];
    return true;
}

#if COSIM_TRACE
// `levels` 0: everything below `scope`. Returns whether it shows a signal; a broken simulation shows none.
EXPORT bool cosim_trace_open(Simulation* simulation, WritePiece write, void* output, int levels, const char* scope) {
    bool shows = false;
    run(simulation, [&] {
        simulation->stream.reset(new TraceStream{write, output});
        simulation->trace.reset(new VerilatedVcdC{simulation->stream.get()});
        VerilatedVcdC& trace = *simulation->trace;
        simulation->top->trace(&trace, 0);
        if (!levels) levels = INT_MAX;
        // A model without a name: its scopes begin with a separator in Verilator 5.006, and with none later.
        trace.dumpvars(levels, scope);
        trace.dumpvars(levels, std::string{"."} + scope);
        trace.open("stream");
        trace.flush();
        shows = simulation->stream->declares_signal;
        if (shows) trace.dump(simulation->context.time());
    });
    return shows;
}

// Also of a broken simulation: what was dumped before is written, and nothing is written afterwards.
EXPORT void cosim_trace_close(Simulation* simulation) {
    Verilated::threadContextp(&simulation->context);
    if (simulation->trace) simulation->trace->close();
    simulation->trace.reset();
    simulation->stream.reset();
}
#endif
