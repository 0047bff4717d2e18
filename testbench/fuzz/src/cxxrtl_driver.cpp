// Drives a model: reads stimulus.bin, writes results.bin, as ports.txt says; all in 32-bit words, lowest first.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

static cxxrtl::debug_item& find(cxxrtl::debug_items& items, const std::string& name) {
    if (items.count(name) == 0) {
        std::fprintf(stderr, "no item `%s`\n", name.c_str());
        std::exit(1);
    }
    return items.table.at(name).front();
}

static size_t words(const cxxrtl::debug_item& item) { return (item.width + 31) / 32; }

int main() {
    Top top;
    cxxrtl::debug_items items;
    top.debug_info(&items, nullptr, "");
    std::vector<cxxrtl::debug_item*> inputs, outputs, memories;
    size_t cycles = 0;
    std::ifstream ports("ports.txt");
    for (std::string line; std::getline(ports, line);) {
        size_t space = line.find(' ');
        std::string kind = line.substr(0, space), name = line.substr(space + 1);
        if (kind == "cycles") cycles = std::stoul(name);
        if (kind == "input") inputs.push_back(&find(items, name));
        if (kind == "output") outputs.push_back(&find(items, name));
        // Yosys leaves out memories whose reads are all constant.
        if (kind == "memory") memories.push_back(items.count(name) ? &find(items, name) : nullptr);
    }
    cxxrtl::debug_item* clock = items.count("clock") ? &find(items, "clock") : nullptr;
    std::FILE* stimulus = std::fopen("stimulus.bin", "rb");
    std::FILE* results = std::fopen("results.bin", "wb");
    for (size_t cycle = 0; cycle < cycles; cycle++) {
        for (auto* item : inputs) {
            if (std::fread(item->next ? item->next : item->curr, 4, words(*item), stimulus) != words(*item)) return 1;
        }
        if (clock) *(clock->next ? clock->next : clock->curr) = 0;
        top.step();
        for (auto* item : outputs) {
            if (item->outline) item->outline->eval();
            std::fwrite(item->curr, 4, words(*item), results);
        }
        if (clock) *(clock->next ? clock->next : clock->curr) = 1;
        top.step();
    }
    for (auto* item : memories) {
        uint32_t present = item != nullptr;
        std::fwrite(&present, 4, 1, results);
        if (present) std::fwrite(item->curr, 4, words(*item) * item->depth, results);
    }
    return std::fclose(results);
}
