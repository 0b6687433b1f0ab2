// Deletes one token, and says what is true of it.
//
//     c++ -std=c++17 delete_one.cpp $(pkg-config --cflags --libs mpt_tokens) -o delete_one
//     MPT_API_TOKEN=... ./delete_one TKN-1671-0642
//
// The exit status is 0 if the token is dead, 1 if it certainly is not, 2 if nothing was tried, 3 if it is unknown.
#include <mpt_tokens.hpp>

#include <iostream>
#include <optional>

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " TOKEN-ID\n";
        return 2;
    }
    // The forms that do not throw; handle_outcomes.cpp shows those that do.
    std::optional<mpt::result> why;
    const std::optional<mpt::client> client = mpt::client::try_new(mpt::config::from_env(), why);
    if (!client) {
        std::cerr << why->message() << '\n';
        return 2;
    }
    const mpt::result told = client->try_delete_token(argv[1]);
    std::cout << told.json() << '\n';
    if (told) {
        return 0;
    }
    std::cerr << told.message() << '\n';
    return told.kind() == mpt::kind::not_deleted ? 1 : 3;
}
