// Deletes one token, and handles each outcome and the most important codes.
//
//     c++ -std=c++17 handle_outcomes.cpp $(pkg-config --cflags --libs mpt_tokens) -o handle_outcomes
//     MPT_API_TOKEN=... ./handle_outcomes TKN-1671-0642
#include <mpt_tokens.hpp>

#include <iostream>

namespace {

void not_deleted(const mpt::error &error) {
    switch (error.code()) {
    case MPT_UNAUTHORIZED:
        std::cout << "the API token is not accepted: set another MPT_API_TOKEN\n";
        break;
    case MPT_FORBIDDEN:
        std::cout << "the API token may not do this: ask somebody who may\n";
        break;
    case MPT_NOT_FOUND:
        std::cout << "there is no such token: check the id\n";
        break;
    case MPT_RATE_LIMITED:
        if (const auto wait = error.told().retry_after()) {
            std::cout << "too many requests: try again in " << wait->count() << " ms\n";
            break;
        }
        std::cout << "too many requests: try again later\n";
        break;
    case MPT_OWN_TOKEN:
        std::cout << "this is the token in use: mpt_config_set_allow_own_token lets it be deleted\n";
        break;
    default:
        std::cout << error.what() << '\n';
        break;
    }
}

} // namespace

int main(int argc, char **argv) {
    using namespace std::chrono_literals;
    try {
        const mpt::client client{mpt::config::from_env().timeout(30s).user_agent("handle-outcomes/1.0")};
        const mpt::result told = client.delete_token(argc > 1 ? argv[1] : "");
        if (told.kind() == mpt::kind::gone) {
            std::cout << "gone: an earlier attempt deleted it, and its answer was lost\n";
        } else {
            std::cout << "deleted, after " << told.attempts() << " attempts\n";
        }
        return 0;
    } catch (const mpt::error &error) {
        if (error.kind() == mpt::kind::not_deleted) {
            not_deleted(error);
            return 1;
        }
        std::cout << "may be deleted: run this again; trace id for support: "
                  << error.told().trace_id().value_or("none") << '\n';
        return 3;
    }
}
