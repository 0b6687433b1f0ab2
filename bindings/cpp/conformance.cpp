// The conformance runner: see tests/conformance/README.md.
#include <mpt_tokens.hpp>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

struct request {
    std::vector<std::string> ids;
    bool is_batch = false;
    bool burns = false;
    std::string cancel;
    unsigned long stop_after = 0;
    mpt::batch_options options;
};

std::string decoded(const std::string &text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%') {
            out += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
            at += 2;
        } else {
            out += text[at];
        }
    }
    return out;
}

void field(const char *name, std::string_view value) {
    std::cout << name << '=';
    for (const char c : value) {
        char hex[4];
        std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
        std::cout << hex;
    }
}

void tell(const mpt::result_view &told, std::string_view raised) {
    const auto none = std::string_view();
    std::ostringstream seconds;
    if (const auto wait = told.retry_after()) {
        seconds << std::chrono::duration<double>(*wait).count();
    }
    field("id", told.token_id().value_or(none));
    field("&outcome", told.outcome());
    field("&code", told.code_name());
    field("&http_status", told.http_status() ? std::to_string(*told.http_status()) : "");
    field("&attempts", std::to_string(told.attempts()));
    field("&rounds", std::to_string(told.rounds()));
    const auto settled = std::chrono::duration_cast<std::chrono::milliseconds>(told.settled_at().time_since_epoch());
    field("&settled_at_ms", std::to_string(settled.count()));
    field("&title", told.title().value_or(none));
    field("&detail", told.detail().value_or(none));
    field("&message", told.message());
    field("&retryable", told.retryable() ? "1" : "0");
    field("&retry_after", seconds.str());
    field("&trace_id", told.trace_id().value_or(none));
    field("&raised", raised);
    field("&shown", told.json());
    std::cout << '\n';
}

request read(const std::string &line, mpt::config &config) {
    request asked;
    std::chrono::milliseconds backoff{};
    std::istringstream pairs(line);
    for (std::string pair; std::getline(pairs, pair, '&');) {
        const auto equals = pair.find('=');
        const std::string name = pair.substr(0, equals);
        const std::string value = decoded(pair.substr(equals + 1));
        const auto number = [&] { return std::stoul(value); };
        const auto ms = [&] { return std::chrono::milliseconds(number()); };
        if (name == "call") {
            asked.is_batch = value.find("batch") != std::string::npos;
            asked.burns = value.find("burn") != std::string::npos;
        } else if (name == "id") {
            asked.ids.push_back(value);
        } else if (name == "cancel") {
            asked.cancel = value;
        } else if (name == "stop_after") {
            asked.stop_after = number();
        } else if (name == "concurrency") {
            asked.options.concurrency = static_cast<std::uint32_t>(number());
        } else if (name == "patience_ms") {
            asked.options.patience = ms();
        } else if (name == "backoff_base_ms") {
            backoff = ms();
        } else if (name == "backoff_cap_ms") {
            config.backoff(backoff, ms());
        } else if (name == "attempts") {
            config.attempts(static_cast<std::uint32_t>(number()));
        } else if (name == "timeout_ms") {
            config.timeout(ms());
        } else if (name == "attempt_timeout_ms") {
            config.attempt_timeout(ms());
        } else if (name == "connect_timeout_ms") {
            config.connect_timeout(ms());
        } else if (name == "burn_only") {
            config.burn_only(value == "1");
        } else if (name == "missing_ok") {
            config.missing_ok(value == "1");
        } else if (name == "allow_own_token") {
            config.allow_own_token(value == "1");
        } else if (name == "api_token") {
            config.api_token(value);
        } else if (name == "base_url") {
            config.base_url(value);
        } else if (name == "ca_file") {
            config.ca_file(value);
        } else if (name == "proxy") {
            config.proxy(value);
        } else {
            throw std::runtime_error("nobody knows " + name);
        }
    }
    return asked;
}

void call(const mpt::client &client, const request &asked) {
    if (asked.is_batch && asked.burns) {
        auto batch = client.burn_batch(asked.ids, asked.options);
        while (const auto told = batch.next()) {
            tell(*told, "");
        }
        return;
    }
    if (asked.is_batch) {
        unsigned long count = 0;
        mpt::batch_summary summary;
        mpt::batch_options options = asked.options;
        options.summary = &summary;
        (void)client.delete_tokens(
            asked.ids,
            [&](const mpt::result_view &told) {
                tell(told, "");
                return ++count == asked.stop_after ? mpt::flow::stop : mpt::flow::go_on;
            },
            options);
        if (summary.stopped) {
            field("stopped", summary.stopped->reason);
            field("&stopped_code", mpt_code_name(summary.stopped->code));
            field("&stopped_message", summary.stopped->message);
            field("&skipped", std::to_string(summary.skipped));
            field("&not_pulled", std::to_string(summary.not_pulled));
            std::cout << '\n';
        }
        return;
    }
    for (const std::string &id : asked.ids) {
        try {
            tell(asked.burns ? client.burn(id) : client.delete_token(id), "");
        } catch (const mpt::error &error) {
            tell(error.told(), "mpt::error");
        }
    }
}

void answer(const std::string &line) {
    auto config = mpt::config::from_env();
    const request asked = read(line, config);
    const mpt::client client{config};
    std::thread canceller;
    if (asked.cancel == "before") {
        client.cancel();
    } else if (asked.cancel == "during") {
        canceller = std::thread([&] {
            std::string when;
            std::getline(std::cin, when);
            client.cancel();
        });
    }
    call(client, asked);
    if (canceller.joinable()) {
        canceller.join();
    }
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        try {
            answer(line);
        } catch (const mpt::error &error) {
            tell(error.told(), "mpt::error");
        }
        std::cout << std::endl;
    }
}
