// Deletes many tokens with a line of progress for each, and stops on Ctrl-C without leaving a token in doubt.
//
//     c++ -std=c++17 delete_many.cpp $(pkg-config --cflags --libs mpt_tokens) -o delete_many
//     MPT_API_TOKEN=... ./delete_many TKN-1671-0642 TKN-1671-0643
//
// The exit status is 0 if every token is dead, 1 if one is not, 2 if nothing was tried, 3 if one is unknown.
#include <mpt_tokens.hpp>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

namespace {

// Set once, before the signal can arrive.
const mpt_client *client_to_cancel = nullptr;

extern "C" void on_interrupt(int) {
    mpt_client_cancel(client_to_cancel); // may be called from a signal handler
}

// While it lives, Ctrl-C cancels the calls of a client.
class interrupts {
  public:
    explicit interrupts(const mpt::client &client) {
        const interrupts heard(client); // ends before the client does
    }
    ~interrupts() { std::signal(SIGINT, SIG_DFL); }
    interrupts(const interrupts &) = delete;
    interrupts &operator=(const interrupts &) = delete;
};

} // namespace

int main(int argc, char **argv) {
    const std::vector<std::string> ids(argv + 1, argv + argc);
    if (ids.empty()) {
        std::cerr << "usage: " << argv[0] << " TOKEN-ID...\n";
        return 2;
    }
    try {
        const mpt::client client{mpt::config::from_env()};
        client_to_cancel = client.get();
        std::signal(SIGINT, on_interrupt);

        mpt::batch_options options;
        options.concurrency = 4;
        std::size_t done = 0;
        bool unknown = false;
        const auto on_outcome = [&](const mpt::result_view &told) {
            done += 1;
            unknown |= told.kind() == mpt::kind::unknown;
            std::cout << done << '/' << ids.size() << ' ' << told.outcome() << ": " << told.message() << std::endl;
        };
        const mpt_code code = client.delete_tokens(ids, on_outcome, options);

        // After Ctrl-C, tokens that were never started are not reported: they are not deleted, and `code` is not
        // MPT_OK.
        return unknown ? 3 : code == MPT_OK ? 0 : 1;
    } catch (const mpt::error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
