// Deletes many tokens with a line of progress for each, and stops on Ctrl-C without leaving a token in doubt.
//
//     c++ -std=c++17 delete_many.cpp $(pkg-config --cflags --libs mpt_tokens) -o delete_many
//     MPT_API_TOKEN=... ./delete_many TKN-1671-0642 TKN-1671-0643
//
// The exit status is 0 if every token is dead, 1 if one is not, 2 if nothing was tried, 3 if one is unknown.
#include <mpt_tokens.hpp>

#include <atomic>
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

namespace {

// The client that Ctrl-C cancels, or null. It is read inside a signal handler, so it must be free of locks.
std::atomic<const mpt_client *> client_to_cancel{nullptr};
static_assert(std::atomic<const mpt_client *>::is_always_lock_free);

extern "C" void on_interrupt(int) {
    mpt_client_cancel(client_to_cancel); // may be called from a signal handler, and does nothing for null
}

// While it lives, Ctrl-C cancels the calls of a client. It must end before the client does: declare it after.
class interrupts {
  public:
    explicit interrupts(const mpt::client &client) {
        client_to_cancel = client.get();
        before_ = std::signal(SIGINT, on_interrupt);
    }
    ~interrupts() {
        std::signal(SIGINT, before_);
        client_to_cancel = nullptr;
    }
    interrupts(const interrupts &) = delete;
    interrupts &operator=(const interrupts &) = delete;

  private:
    void (*before_)(int) = SIG_DFL;
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
        const interrupts heard(client);

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
