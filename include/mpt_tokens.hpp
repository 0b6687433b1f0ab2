// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * @file mpt_tokens.hpp
 * The C++ interface to mpt_tokens.h: C++17, header only. Objects free themselves. They can be moved but not copied;
 * after a move, the source may only be assigned to or destroyed. See mpt_tokens.h for what a call means and what
 * threads may share.
 *
 * Each call has two forms: `delete_token` throws mpt::error on failure; `try_delete_token` throws nothing and returns
 * everything in its result. With exceptions disabled (-fno-exceptions), only the second form exists. Pass text as
 * UTF-8; a NUL inside is rejected like any control character. Returned text belongs to the object that returned it.
 */
#ifndef MPT_TOKENS_HPP
#define MPT_TOKENS_HPP

#if __cplusplus < 201703L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#error "mpt_tokens.hpp needs C++17: compile with -std=c++17 or later, or include mpt_tokens.h"
#else

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mpt_tokens.h"

/* A view of the object itself: clang warns where it outlives the object. */
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define MPT_LIFETIMEBOUND [[clang::lifetimebound]]
#elif __has_cpp_attribute(msvc::lifetimebound)
#define MPT_LIFETIMEBOUND [[msvc::lifetimebound]]
#endif
#endif
#ifndef MPT_LIFETIMEBOUND
#define MPT_LIFETIMEBOUND
#endif
/* An exception that one shared object throws is caught in another only if both see the same type. */
#if defined(__GNUC__) && !defined(_WIN32)
#define MPT_VISIBLE __attribute__((visibility("default")))
#else
#define MPT_VISIBLE
#endif

namespace mpt {

/** The version of the running library, such as "0.1.0". */
[[nodiscard]] inline std::string_view version() noexcept { return mpt_version(); }
/** The ABI version of the running library: to be compared with MPT_ABI_VERSION. */
[[nodiscard]] inline std::uint32_t abi_version() noexcept { return mpt_abi_version(); }
/** The version of the running library as one number: to be compared with MPT_VERSION_NUMBER. */
[[nodiscard]] inline std::uint32_t version_number() noexcept { return mpt_version_number(); }
/** True if the running library has a feature: see mpt_has_feature. `name` ends with a NUL. */
[[nodiscard]] inline bool has_feature(const char *name) noexcept { return mpt_has_feature(name) != 0; }
/** The name of a code: "ok", "not_found"... */
[[nodiscard]] inline std::string_view code_name(mpt_code code) noexcept { return mpt_code_name(code); }
/** One line that says when a code is returned. */
[[nodiscard]] inline std::string_view code_message(mpt_code code) noexcept { return mpt_code_message(code); }

/** What is true of the token. */
enum class kind : std::int32_t {
    deleted = MPT_OUTCOME_DELETED,
    gone = MPT_OUTCOME_GONE,
    not_deleted = MPT_OUTCOME_NOT_DELETED,
    unknown = MPT_OUTCOME_UNKNOWN
};

/** The name of an outcome: "deleted", "gone", "not_deleted" or "unknown". */
[[nodiscard]] inline std::string_view outcome_name(kind of) noexcept {
    return mpt_outcome_name(static_cast<std::int32_t>(of));
}

/** Whether a batch continues. */
enum class flow { go_on, stop };

namespace detail {

/** Frees objects of the C library. */
struct end {
    void operator()(mpt_config *object) const noexcept { mpt_config_free(object); }
    void operator()(mpt_client *object) const noexcept { mpt_client_free(object); }
    void operator()(mpt_batch *object) const noexcept { mpt_batch_free(object); }
    void operator()(mpt_outcome *object) const noexcept { mpt_outcome_free(object); }
};

/**
 * NUL-terminated text. A NUL inside, which would cut the text short, becomes U+0001, which is rejected just as NUL
 * would be. Wiped when destroyed, because it may be a secret.
 */
class c_text {
  public:
    explicit c_text(std::string_view text) : text_(text) { std::replace(text_.begin(), text_.end(), '\0', '\1'); }
    ~c_text() {
        volatile char *at = text_.data();
        for (std::size_t left = text_.size(); left > 0; --left) {
            *at++ = '\0';
        }
    }
    c_text(const c_text &) = delete;
    c_text &operator=(const c_text &) = delete;
    [[nodiscard]] const char *get() const noexcept { return text_.c_str(); }

  private:
    std::string text_;
};

[[nodiscard]] inline std::optional<std::string_view> maybe(const char *text) noexcept {
    if (text == nullptr) {
        return std::nullopt;
    }
    return std::string_view(text);
}

} // namespace detail

class result;

/** A view of a call's result; valid as long as the object it came from. */
class result_view {
  public:
    explicit result_view(const mpt_outcome *outcome) noexcept : outcome_(outcome) {}
    result_view(const result_view &) = default;
    ~result_view() = default;
    /** A temporary result cannot be viewed. */
    result_view(result &&) = delete;
    result_view &operator=(const result_view &) = delete;

    /** What is true of the token. */
    [[nodiscard]] mpt::kind kind() const noexcept { return static_cast<mpt::kind>(mpt_outcome_kind(outcome_)); }
    /** The same as text: "deleted", "gone", "not_deleted" or "unknown". */
    [[nodiscard]] std::string_view outcome() const noexcept { return mpt_outcome_name(mpt_outcome_kind(outcome_)); }
    /** True if the token is dead: deleted or gone. */
    [[nodiscard]] explicit operator bool() const noexcept { return code() == MPT_OK; }
    /** What happened: MPT_OK, MPT_NOT_FOUND... */
    [[nodiscard]] mpt_code code() const noexcept { return mpt_outcome_code(outcome_); }
    /** The same as text: "ok", "not_found"... */
    [[nodiscard]] std::string_view code_name() const noexcept { return mpt_code_name(code()); }
    /** One sentence for people. */
    [[nodiscard]] std::string_view message() const noexcept { return mpt_outcome_message(outcome_); }
    /** Everything, as one line of JSON. */
    [[nodiscard]] std::string_view json() const noexcept { return mpt_outcome_json(outcome_); }
    /** The token id of the call. */
    [[nodiscard]] std::optional<std::string_view> token_id() const noexcept {
        return mpt::detail::maybe(mpt_outcome_token_id(outcome_));
    }
    /** The HTTP status of the last response. */
    [[nodiscard]] std::optional<int> http_status() const noexcept {
        const std::int32_t status = mpt_outcome_http_status(outcome_);
        return status == 0 ? std::nullopt : std::optional<int>(status);
    }
    /** The number of attempts. */
    [[nodiscard]] std::uint32_t attempts() const noexcept { return mpt_outcome_attempts(outcome_); }
    /** The number of calls made for the token: more than 1 if a batch put it off and tried it again. */
    [[nodiscard]] std::uint32_t rounds() const noexcept { return mpt_outcome_rounds(outcome_); }
    /** The title of the problem details, as the server sent it. */
    [[nodiscard]] std::optional<std::string_view> title() const noexcept { return mpt::detail::maybe(mpt_outcome_title(outcome_)); }
    /** The detail of the problem details, as the server sent it. */
    [[nodiscard]] std::optional<std::string_view> detail() const noexcept { return mpt::detail::maybe(mpt_outcome_detail(outcome_)); }
    /** True if trying again later can change the result; false if the token is dead or somebody must act first. */
    [[nodiscard]] bool retryable() const noexcept { return mpt_outcome_retryable(outcome_) != 0; }
    /** How long the server asked to wait before the next attempt. */
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        const std::int64_t wait = mpt_outcome_retry_after_ms(outcome_);
        return wait < 0 ? std::nullopt : std::optional<std::chrono::milliseconds>(wait);
    }
    /** The trace id that was sent with every attempt. */
    [[nodiscard]] std::optional<std::string_view> trace_id() const noexcept {
        return mpt::detail::maybe(mpt_outcome_trace_id(outcome_));
    }
    /** The server's own trace id. */
    [[nodiscard]] std::optional<std::string_view> server_trace_id() const noexcept {
        return mpt::detail::maybe(mpt_outcome_server_trace_id(outcome_));
    }
    /** How long the whole call took. */
    [[nodiscard]] std::chrono::microseconds elapsed() const noexcept {
        return std::chrono::microseconds(static_cast<std::chrono::microseconds::rep>(mpt_outcome_elapsed_us(outcome_)));
    }
    /** When this became known: when the last response came, or the call was given up. */
    [[nodiscard]] std::chrono::system_clock::time_point settled_at() const noexcept {
        return std::chrono::system_clock::time_point(std::chrono::milliseconds(mpt_outcome_settled_at_ms(outcome_)));
    }
    /** True if prove_deleted or burning proved that the token is dead. */
    [[nodiscard]] bool is_proven() const noexcept { return mpt_outcome_is_proven(outcome_) != 0; }
    /** What the proof rests on: "control", "accepted_before" or "lost_answer". */
    [[nodiscard]] std::optional<std::string_view> proof_basis() const noexcept {
        return mpt::detail::maybe(mpt_outcome_proof_basis(outcome_));
    }
    /** What it stands for, lent. */
    [[nodiscard]] const mpt_outcome *get() const noexcept { return outcome_; }

  protected:
    const mpt_outcome *outcome_;
};

/**
 * The result of a call. What it returns as text belongs to it, so a temporary result returns none: keep the result.
 *
 * A success has a value, itself, and a failure an error, itself: as std::expected does.
 */
class [[nodiscard]] result : public result_view {
  public:
    /** Takes ownership of an outcome of the C library. */
    explicit result(mpt_outcome *outcome) noexcept : result_view(outcome), owned_(outcome) {}
    /** Copies what a view refers to. */
    explicit result(const result_view &lent) noexcept : result(mpt_outcome_clone(lent.get())) {}
    result(result &&other) noexcept : result(other.release()) {}
    result &operator=(result &&other) noexcept {
        owned_.reset(other.release());
        outcome_ = owned_.get();
        return *this;
    }
    result(const result &) = delete;
    result &operator=(const result &) = delete;
    ~result() = default;
    /** Gives up ownership: the caller frees the outcome with mpt_outcome_free. */
    [[nodiscard]] mpt_outcome *release() noexcept {
        outcome_ = nullptr;
        return owned_.release();
    }

    /** True if the token is dead: deleted or gone. */
    [[nodiscard]] bool has_value() const noexcept { return bool(*this); }
#ifdef __cpp_exceptions
    /** This result. @throws mpt::error if it is a failure. */
    [[nodiscard]] const result &value() const & MPT_LIFETIMEBOUND;
    [[nodiscard]] result value() &&;
#endif
    /** This result, of a failure. */
    [[nodiscard]] const result &error() const & noexcept MPT_LIFETIMEBOUND { return *this; }
    [[nodiscard]] result error() && noexcept { return std::move(*this); }

    [[nodiscard]] std::string_view message() const & noexcept MPT_LIFETIMEBOUND { return result_view::message(); }
    std::string_view message() const && = delete;
    [[nodiscard]] std::string_view json() const & noexcept MPT_LIFETIMEBOUND { return result_view::json(); }
    std::string_view json() const && = delete;
    [[nodiscard]] std::optional<std::string_view> token_id() const & noexcept { return result_view::token_id(); }
    std::optional<std::string_view> token_id() const && = delete;
    [[nodiscard]] std::optional<std::string_view> title() const & noexcept { return result_view::title(); }
    std::optional<std::string_view> title() const && = delete;
    [[nodiscard]] std::optional<std::string_view> detail() const & noexcept { return result_view::detail(); }
    std::optional<std::string_view> detail() const && = delete;
    [[nodiscard]] std::optional<std::string_view> trace_id() const & noexcept { return result_view::trace_id(); }
    std::optional<std::string_view> trace_id() const && = delete;
    [[nodiscard]] std::optional<std::string_view> server_trace_id() const & noexcept {
        return result_view::server_trace_id();
    }
    std::optional<std::string_view> server_trace_id() const && = delete;
    [[nodiscard]] std::optional<std::string_view> proof_basis() const & noexcept { return result_view::proof_basis(); }
    std::optional<std::string_view> proof_basis() const && = delete;
    [[nodiscard]] const mpt_outcome *get() const & noexcept MPT_LIFETIMEBOUND { return outcome_; }
    const mpt_outcome *get() const && = delete;

  private:
    std::unique_ptr<mpt_outcome, mpt::detail::end> owned_;
};

#ifdef __cpp_exceptions
// Every function of a header is inline, so there is none whose place could be that of the table of virtual functions.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wweak-vtables"
#endif
/** A call that failed: the token was not deleted, or may have been. */
class MPT_VISIBLE error : public std::runtime_error {
  public:
    explicit error(result what_was_told)
        : std::runtime_error(std::string(what_was_told.message())),
          told_(std::make_shared<const result>(std::move(what_was_told))) {}

    /** All that is known. */
    [[nodiscard]] const result &told() const & noexcept MPT_LIFETIMEBOUND { return *told_; }
    const result &told() const && = delete;
    /** What is true of the token. */
    [[nodiscard]] mpt::kind kind() const noexcept { return told_->kind(); }
    /** The same as text: "not_deleted" or "unknown". */
    [[nodiscard]] std::string_view outcome() const noexcept { return told_->outcome(); }
    /** What happened. */
    [[nodiscard]] mpt_code code() const noexcept { return told_->code(); }

  private:
    std::shared_ptr<const result> told_; // shared, so that copying the exception does not throw
};
#ifdef __clang__
#pragma clang diagnostic pop
#endif

inline const result &result::value() const & {
    if (!has_value()) {
        throw mpt::error(result(static_cast<const result_view &>(*this)));
    }
    return *this;
}

inline result result::value() && {
    if (!has_value()) {
        throw mpt::error(std::move(*this));
    }
    return std::move(*this);
}
#endif

/** What was asked for, or the result that says why it is not there. Like std::expected, which C++17 does not have. */
template <typename Value> class [[nodiscard]] expected {
  public:
    /** What was asked for. */
    explicit expected(Value value) noexcept : value_(std::move(value)), why_() {}
    /** Why it is not there. */
    explicit expected(result why) noexcept : value_(), why_(std::move(why)) {}

    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    /** What was asked for. @throws mpt::error if it is not there; without exceptions, this ends the program. */
    [[nodiscard]] Value &value() & MPT_LIFETIMEBOUND { return checked(*this); }
    [[nodiscard]] const Value &value() const & MPT_LIFETIMEBOUND { return checked(*this); }
    [[nodiscard]] Value value() && { return std::move(checked(*this)); }
    /** What was asked for, unchecked. */
    [[nodiscard]] Value &operator*() & noexcept MPT_LIFETIMEBOUND { return *value_; }
    [[nodiscard]] const Value &operator*() const & noexcept MPT_LIFETIMEBOUND { return *value_; }
    [[nodiscard]] Value operator*() && noexcept { return std::move(*value_); }
    [[nodiscard]] Value *operator->() & noexcept MPT_LIFETIMEBOUND { return &*value_; }
    [[nodiscard]] const Value *operator->() const & noexcept MPT_LIFETIMEBOUND { return &*value_; }
    Value *operator->() && = delete;
    /** Why it is not there, unchecked. */
    [[nodiscard]] const result &error() const & noexcept MPT_LIFETIMEBOUND { return *why_; }
    [[nodiscard]] result error() && noexcept { return std::move(*why_); }

  private:
    template <typename Self> static auto &checked(Self &self) {
        if (!self.value_) {
#ifdef __cpp_exceptions
            throw mpt::error(result(static_cast<const result_view &>(*self.why_)));
#else
            std::abort();
#endif
        }
        return *self.value_;
    }

    std::optional<Value> value_;
    std::optional<result> why_;
};

namespace detail {

/** Passes one outcome to a callback, which returns nothing, or whether to continue. */
template <typename Callback> flow call(Callback &callback, const result_view &outcome) {
    using returned = std::invoke_result_t<Callback &, const result_view &>;
    if constexpr (std::is_void_v<returned>) {
        callback(outcome);
        return flow::go_on;
    } else {
        static_assert(std::is_same_v<returned, flow>, "the callback returns nothing, or mpt::flow");
        return callback(outcome);
    }
}

} // namespace detail

/** The importance of a log record. */
enum class level : std::int32_t {
    error = MPT_LOG_ERROR,
    warn = MPT_LOG_WARN,
    info = MPT_LOG_INFO,
    debug = MPT_LOG_DEBUG
};

/** What a log function is told; the text lives until the function returns. */
class log_record {
  public:
    explicit log_record(const mpt_log_record &record) noexcept : record_(&record) {}
    log_record(const log_record &) = default;
    log_record &operator=(const log_record &) = default;
    ~log_record() = default;

    [[nodiscard]] mpt::level level() const noexcept { return static_cast<mpt::level>(record_->level); }
    /** What happened: MPT_EVENT_ATTEMPT, MPT_EVENT_RETRY or MPT_EVENT_PANIC. */
    [[nodiscard]] std::int32_t event() const noexcept { return record_->event; }
    /** What an attempt means by itself. */
    [[nodiscard]] mpt_code code() const noexcept { return record_->code; }
    /** The number of the attempt, from 1. */
    [[nodiscard]] std::uint32_t attempt() const noexcept { return record_->attempt; }
    /** The HTTP status of the response to the attempt. */
    [[nodiscard]] std::optional<int> http_status() const noexcept {
        return record_->http_status == 0 ? std::nullopt : std::optional<int>(record_->http_status);
    }
    /** How long the call waits before its next attempt. */
    [[nodiscard]] std::optional<std::chrono::milliseconds> wait() const noexcept {
        return record_->wait_ms < 0 ? std::nullopt : std::optional<std::chrono::milliseconds>(record_->wait_ms);
    }
    [[nodiscard]] std::optional<std::string_view> token_id() const noexcept { return detail::maybe(record_->token_id); }
    [[nodiscard]] std::optional<std::string_view> trace_id() const noexcept { return detail::maybe(record_->trace_id); }
    /** All of it as one line for people. */
    [[nodiscard]] std::string_view message() const noexcept { return record_->message; }

  private:
    const mpt_log_record *record_;
};

/** The settings of a client. A value that cannot be used is reported when the client is created. */
class config {
  public:
    /** Uses the defaults, and nothing from the environment. */
    config() : config_(mpt_config_new()) {}
    /** Reads the environment: MPT_API_TOKEN, MPT_API_BASE_URL, and the proxy variables. */
    [[nodiscard]] static config from_env() { return config(mpt_config_new_from_env()); }

    // Each setter returns the config, to be chained: a temporary one as a value, which may be kept.
#define MPT_SETTER(name, parameter, change)                                                                            \
    config &name(parameter) & MPT_LIFETIMEBOUND {                                                                      \
        change;                                                                                                        \
        return *this;                                                                                                  \
    }                                                                                                                  \
    [[nodiscard]] config name(parameter) && {                                                                          \
        change;                                                                                                        \
        return std::move(*this);                                                                                       \
    }
    MPT_SETTER(api_token, std::string_view value, set(mpt_config_set_api_token, value))
    MPT_SETTER(base_url, std::string_view url, set(mpt_config_set_base_url, url))
    MPT_SETTER(user_agent, std::string_view product, set(mpt_config_set_user_agent, product))
    MPT_SETTER(ca_file, std::string_view path, set(mpt_config_set_ca_file, path))
    MPT_SETTER(ca_pem, std::string_view pem, set(mpt_config_set_ca_pem, pem))
    MPT_SETTER(bind_address, std::string_view local, set(mpt_config_set_bind_address, local))
    MPT_SETTER(unix_socket, std::string_view path, set(mpt_config_set_unix_socket, path))
    MPT_SETTER(timeout, std::chrono::milliseconds limit, set(mpt_config_set_timeout_ms, limit))
    MPT_SETTER(attempt_timeout, std::chrono::milliseconds limit, set(mpt_config_set_attempt_timeout_ms, limit))
    MPT_SETTER(connect_timeout, std::chrono::milliseconds limit, set(mpt_config_set_connect_timeout_ms, limit))
    MPT_SETTER(ca_only, bool yes = true, set(mpt_config_set_ca_only, yes))
    MPT_SETTER(missing_ok, bool yes = true, set(mpt_config_set_missing_ok, yes))
    MPT_SETTER(allow_own_token, bool yes = true, set(mpt_config_set_allow_own_token, yes))
    /** The client has no API token and can only burn: one that was set is dropped. */
    MPT_SETTER(burn_only, bool yes = true, set(mpt_config_set_burn_only, yes))
    MPT_SETTER(allow_plain_http, bool yes = true, set(mpt_config_set_allow_plain_http, yes))
    MPT_SETTER(attempts, std::uint32_t attempts, (void)mpt_config_set_attempts(config_.get(), attempts))
    MPT_SETTER(proxy, std::string_view url, set(mpt_config_set_proxy, url))
    MPT_SETTER(no_proxy, , (void)mpt_config_set_proxy(config_.get(), nullptr))
    MPT_SETTER(proxy_from_env, , (void)mpt_config_set_proxy_from_env(config_.get()))
#undef MPT_SETTER
    config &backoff(std::chrono::milliseconds base, std::chrono::milliseconds cap) & MPT_LIFETIMEBOUND {
        (void)mpt_config_set_backoff_ms(config_.get(), count(base), count(cap));
        return *this;
    }
    [[nodiscard]] config backoff(std::chrono::milliseconds base, std::chrono::milliseconds cap) && {
        (void)backoff(base, cap);
        return std::move(*this);
    }
    /** Sets the client's own certificate, with those that signed it, and its private key, both in PEM. */
    config &client_certificate(std::string_view chain_pem, std::string_view key_pem) & MPT_LIFETIMEBOUND {
        const detail::c_text chain(chain_pem);
        const detail::c_text key(key_pem);
        (void)mpt_config_set_client_certificate(config_.get(), chain.get(), key.get());
        return *this;
    }
    [[nodiscard]] config client_certificate(std::string_view chain_pem, std::string_view key_pem) && {
        (void)client_certificate(chain_pem, key_pem);
        return std::move(*this);
    }
    /** Sets the addresses of a host, with commas between them, in place of a look-up. */
    config &resolve(std::string_view host, std::string_view addresses) & MPT_LIFETIMEBOUND {
        const detail::c_text name(host);
        const detail::c_text given(addresses);
        (void)mpt_config_set_resolve(config_.get(), name.get(), given.get());
        return *this;
    }
    [[nodiscard]] config resolve(std::string_view host, std::string_view addresses) && {
        (void)resolve(host, addresses);
        return std::move(*this);
    }
    /**
     * Sets a function that is told what happens during calls: with a `const mpt::log_record &`, for everything that is
     * at least so important. It must not throw, and must not use the library; it runs on the thread that makes the call,
     * on several at once if they share the client, and lives as long as the config, its clients and their batches do.
     */
    template <typename Log> config &log(mpt::level least, Log &&tell) & MPT_LIFETIMEBOUND {
        using stored = std::decay_t<Log>;
        static_assert(std::is_invocable_v<stored &, const log_record &>, "the function takes an mpt::log_record");
        std::unique_ptr<stored> kept = std::make_unique<stored>(std::forward<Log>(tell));
        const auto call = [](const mpt_log_record *record, void *data) noexcept {
            (void)(*static_cast<stored *>(data))(log_record(*record));
        };
        const auto free = [](void *data) noexcept { delete static_cast<stored *>(data); };
        (void)mpt_config_set_log(config_.get(), static_cast<std::int32_t>(least), call, kept.release(), free);
        return *this;
    }
    template <typename Log> [[nodiscard]] config log(mpt::level least, Log &&tell) && {
        (void)log(least, std::forward<Log>(tell));
        return std::move(*this);
    }
    /**
     * Sets a function that is polled about every 50 ms while a call waits: true cancels it, as cancel() does. It must
     * not throw: that ends the program. It runs on the thread that made the call, on several at once if they share the
     * client, and lives as long as the config, its clients and their batches do.
     */
    template <typename Poll> config &poll(Poll &&ask) & MPT_LIFETIMEBOUND {
        using stored = std::decay_t<Poll>;
        static_assert(std::is_invocable_r_v<bool, stored &>, "the function takes nothing and returns bool");
        std::unique_ptr<stored> kept = std::make_unique<stored>(std::forward<Poll>(ask));
        const auto call = [](void *data) noexcept -> int { return (*static_cast<stored *>(data))() ? 1 : 0; };
        const auto free = [](void *data) noexcept { delete static_cast<stored *>(data); };
        (void)mpt_config_set_poll_owning(config_.get(), call, kept.release(), free);
        return *this;
    }
    template <typename Poll> [[nodiscard]] config poll(Poll &&ask) && {
        (void)poll(std::forward<Poll>(ask));
        return std::move(*this);
    }
    /** What it stands for, lent. */
    [[nodiscard]] const mpt_config *get() const & noexcept MPT_LIFETIMEBOUND { return config_.get(); }
    const mpt_config *get() const && = delete;

  private:
    explicit config(mpt_config *made) noexcept : config_(made) {}

    /** The config keeps the error of a setter and reports it when the client is created. */
    void set(mpt_code (*setter)(mpt_config *, const char *), std::string_view value) {
        const detail::c_text text(value);
        (void)setter(config_.get(), text.get());
    }
    void set(mpt_code (*setter)(mpt_config *, std::uint64_t), std::chrono::milliseconds limit) noexcept {
        (void)setter(config_.get(), count(limit));
    }
    void set(mpt_code (*setter)(mpt_config *, std::int32_t), bool yes) noexcept {
        (void)setter(config_.get(), yes ? 1 : 0);
    }
    /** A negative duration becomes a number far out of range. */
    [[nodiscard]] static std::uint64_t count(std::chrono::milliseconds limit) noexcept {
        return static_cast<std::uint64_t>(limit.count());
    }

    std::unique_ptr<mpt_config, detail::end> config_;
};

/** Why a batch stopped before the end of its list. */
struct stopped {
    /** "unauthorized", "paused", "no_answer", "journal", "asked" or "cancelled": see mpt_batch_stopped. */
    std::string reason;
    /** The code that comes nearest. */
    mpt_code code = MPT_OK;
    /** What happened, and what to do. */
    std::string message;
};

/** The counts of a batch: see mpt_batch_summary. */
struct batch_summary {
    std::uint64_t deleted = 0;
    std::uint64_t gone = 0;
    std::uint64_t not_deleted = 0;
    std::uint64_t unknown = 0;
    /** Ids that were pulled from the list, but not tried. */
    std::uint64_t skipped = 0;
    /** Ids that were not pulled from the list: they have no outcome. */
    std::uint64_t not_pulled = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t already_done = 0;
    std::uint64_t total = 0;
    /** Why the batch stopped; nothing if it came to the end of its list. */
    std::optional<mpt::stopped> stopped = std::nullopt;
    /** Outcomes with MPT_NOT_FOUND: the API does not know the token. They also count as not deleted. */
    std::uint64_t not_found = 0;
    /** Values to burn that were dead already, or never were values. They also count as not deleted. */
    std::uint64_t dead_values = 0;
    /** Tokens that were put off at least once, because their first call settled nothing. */
    std::uint64_t put_off = 0;
};

/** Options for one call. */
struct delete_options {
    /** If true, a token that the API does not know is a success; otherwise the client's setting applies. */
    bool missing_ok = false;
    /** If true, the token in use may be deleted; otherwise the client's setting applies. */
    bool allow_own_token = false;
    /** If true, an earlier run asked to delete this token, and did not learn the answer: a 404 then means gone. */
    bool after_lost_answer = false;
    /** The time limit of this call; nothing means the client's. */
    std::optional<std::chrono::milliseconds> timeout = std::nullopt;
    /** A `traceparent` (W3C Trace Context) that makes the call part of the caller's trace. */
    std::optional<std::string> trace_parent = std::nullopt;
};

/** Options for a batch. */
struct batch_options {
    /** The largest number of calls at once, 1 to 256; 0 means the default. */
    std::uint32_t concurrency = 0;
    /** If true, a token that the API does not know is a success; otherwise the client's setting applies. */
    bool missing_ok = false;
    /** If true, the token in use may be deleted; otherwise the client's setting applies. */
    bool allow_own_token = false;
    /** The path of a write-ahead record. */
    std::optional<std::string> journal = std::nullopt;
    /**
     * How long the batch continues without a conclusive answer from the API, at most one week: a token whose call came
     * to nothing is put off and tried again meanwhile. Nothing means ten minutes; zero means one call for each token.
     */
    std::optional<std::chrono::milliseconds> patience = std::nullopt;
    /** For delete_tokens and try_delete_tokens: where to write the counts, and why the batch stopped. */
    batch_summary *summary = nullptr;
};

namespace detail {

/** The same as C has it. */
[[nodiscard]] inline batch_summary summary_of(const mpt_batch_summary &counts) {
    batch_summary made;
    made.deleted = counts.deleted;
    made.gone = counts.gone;
    made.not_deleted = counts.not_deleted;
    made.unknown = counts.unknown;
    made.skipped = counts.skipped;
    made.not_pulled = counts.not_pulled;
    made.duplicates = counts.duplicates;
    made.already_done = counts.already_done;
    made.total = counts.total;
    made.not_found = counts.not_found;
    made.dead_values = counts.dead_values;
    made.put_off = counts.put_off;
    if (counts.stopped_code != MPT_OK) {
        made.stopped = stopped{counts.stopped, counts.stopped_code, counts.stopped_message};
    }
    return made;
}

/** Ids and options for C. */
class c_batch {
  public:
    template <typename Ids> c_batch(Ids &ids, const batch_options &options) : text_(), ids_(), journal_() {
        // A range may yield each id as a temporary string, which ends with the iteration.
        for (auto &&id : ids) {
            text_.push_back(std::make_unique<c_text>(std::string_view(id)));
            ids_.push_back(text_.back()->get());
        }
        options_.concurrency = options.concurrency;
        options_.missing_ok = options.missing_ok ? 1 : 0;
        options_.allow_own_token = options.allow_own_token ? 1 : 0;
        if (options.patience) {
            // A negative duration stays one that is refused.
            const std::int64_t limit = options.patience->count();
            options_.patience_ms = limit == 0 ? MPT_PATIENCE_NONE : limit < 0 ? INT64_MIN : limit;
        }
        if (options.journal) {
            journal_ = std::make_unique<c_text>(*options.journal);
            options_.journal = journal_->get();
        }
        if (options.summary != nullptr) {
            options_.summary = &counts_;
        }
    }
    c_batch(const c_batch &) = delete;
    c_batch &operator=(const c_batch &) = delete;
    ~c_batch() = default;
    [[nodiscard]] const char *const *ids() const noexcept { return ids_.data(); }
    [[nodiscard]] std::size_t count() const noexcept { return ids_.size(); }
    [[nodiscard]] const mpt_batch_options *options() const noexcept { return &options_; }
    /** Copies what C wrote. */
    void tell(batch_summary *to) const {
        if (to != nullptr) {
            *to = summary_of(counts_);
        }
    }

  private:
    std::vector<std::unique_ptr<c_text>> text_;
    std::vector<const char *> ids_;
    std::unique_ptr<c_text> journal_;
    mpt_batch_options options_ = MPT_BATCH_OPTIONS_INIT;
    mpt_batch_summary counts_ = MPT_BATCH_SUMMARY_INIT;
};

} // namespace detail

/**
 * A running batch: take its outcomes one by one, or in a range-for loop. The destructor waits for the calls under way.
 */
class [[nodiscard]] batch {
  public:
    class iterator;

    /** Takes ownership of a batch of the C library. */
    explicit batch(mpt_batch *made) noexcept : batch_(made), current_() {}
    /** Returns the next outcome in order of completion; nullopt when there are no more. */
    [[nodiscard]] std::optional<result> next() noexcept {
        mpt_outcome *told = mpt_batch_next(batch_.get());
        return told == nullptr ? std::nullopt : std::optional<result>(result(told));
    }
    /** Takes no more ids; keep calling `next` until it returns nullopt. */
    void stop() noexcept { mpt_batch_stop(batch_.get()); }
    /**
     * Returns why the batch stopped before the end of its list; nullopt if it did not. Ask after the last outcome: ids
     * that were not pulled have none.
     */
    [[nodiscard]] std::optional<mpt::stopped> stopped() const {
        const char *reason = mpt_batch_stopped(batch_.get());
        if (reason == nullptr) {
            return std::nullopt;
        }
        return mpt::stopped{reason, mpt_batch_stopped_code(batch_.get()), mpt_batch_stopped_message(batch_.get())};
    }
    /** Returns how many ids were pulled and not tried. */
    [[nodiscard]] std::uint64_t skipped() const noexcept { return mpt_batch_skipped(batch_.get()); }
    /** Returns how many ids of the list were not pulled (so far). */
    [[nodiscard]] std::uint64_t not_pulled() const noexcept { return mpt_batch_not_pulled(batch_.get()); }
    /** Returns all counts (so far), and why the batch stopped. */
    [[nodiscard]] batch_summary summary() const {
        mpt_batch_summary counts = MPT_BATCH_SUMMARY_INIT;
        // Refused for a batch that was moved from: all counts are zero.
        (void)mpt_batch_counts(batch_.get(), &counts);
        return detail::summary_of(counts);
    }

    /** For a range-for loop: blocks until there is an outcome. Each lives until the next is asked for. */
    [[nodiscard]] iterator begin() noexcept;
    /** For a range-for loop. */
    [[nodiscard]] iterator end() noexcept;

  private:
    std::unique_ptr<mpt_batch, detail::end> batch_;
    std::optional<result> current_;
};

/** Goes through the outcomes of a batch once. The batch must not be moved meanwhile. */
class batch::iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = result;
    using difference_type = std::ptrdiff_t;
    using pointer = result *;
    using reference = result &;

    iterator() noexcept = default;
    [[nodiscard]] result &operator*() const noexcept { return *of_->current_; }
    [[nodiscard]] result *operator->() const noexcept { return &*of_->current_; }
    iterator &operator++() noexcept {
        of_->current_ = of_->next();
        if (!of_->current_) {
            of_ = nullptr;
        }
        return *this;
    }
#ifdef __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Weffc++" // a copy would be no earlier place: there is only one
#endif
    void operator++(int) noexcept { ++*this; }
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
    /** True for two ends, and for the same batch. */
    [[nodiscard]] friend bool operator==(const iterator &one, const iterator &other) noexcept {
        return one.of_ == other.of_;
    }
    [[nodiscard]] friend bool operator!=(const iterator &one, const iterator &other) noexcept {
        return one.of_ != other.of_;
    }

  private:
    friend class batch;
    explicit iterator(batch &of) noexcept : of_(&of) {}
    batch *of_ = nullptr;
};

inline batch::iterator batch::begin() noexcept { return ++iterator(*this); }
inline batch::iterator batch::end() noexcept { return iterator(); }

/** Deletes tokens. Any number of threads may use it at once. */
class [[nodiscard]] client {
  public:
#ifdef __cpp_exceptions
    /** @throws mpt::error if the config cannot be used. */
    explicit client(const config &from) : client_() {
        mpt_client *made = nullptr;
        mpt_outcome *why = nullptr;
        if (mpt_client_new(from.get(), &made, &why) != MPT_OK) {
            throw error(result(why));
        }
        client_.reset(made);
    }
#endif
    /** Creates a client without throwing; on failure returns nullopt, and `why` holds the reason. */
    [[nodiscard]] static std::optional<client> try_new(const config &from, std::optional<result> &why) noexcept {
        mpt_client *made = nullptr;
        mpt_outcome *told = nullptr;
        if (mpt_client_new(from.get(), &made, &told) != MPT_OK) {
            why.emplace(told);
            return std::nullopt;
        }
        return client(made);
    }
    /** Creates a client without throwing. */
    [[nodiscard]] static expected<client> try_new(const config &from) noexcept {
        std::optional<result> why;
        std::optional<client> made = try_new(from, why);
        return made ? expected<client>(std::move(*made)) : expected<client>(std::move(*why));
    }
    /** Creates a second client that shares the connections but is cancelled separately. */
    [[nodiscard]] client clone() const noexcept { return client(mpt_client_clone(client_.get())); }
    /** Cancels calls under way and all later ones, from any thread. For signal handlers: mpt_client_cancel(get()). */
    void cancel() const noexcept { mpt_client_cancel(client_.get()); }

#ifdef __cpp_exceptions
    /** Deletes one token. @throws mpt::error if it is not dead afterwards. */
    [[nodiscard]] result delete_token(std::string_view token_id) const { return checked(try_delete_token(token_id)); }
    /** Deletes one token, with options for this call. @throws mpt::error if it is not dead afterwards. */
    [[nodiscard]] result delete_token(std::string_view token_id, const delete_options &options) const {
        return checked(try_delete_token(token_id, options));
    }
    /** Checks whether a leaked token is provably dead: see `is_proven`. @throws mpt::error if it may be alive. */
    [[nodiscard]] result prove_deleted(std::string_view token_value) const { return checked(try_prove_deleted(token_value)); }
    /**
     * Burns a leaked value with itself as the credential: see `is_proven`.
     *
     * @throws mpt::error if it may be alive, or if it was dead already (MPT_DEAD_VALUE).
     */
    [[nodiscard]] result burn(std::string_view token_value) const { return checked(try_burn(token_value)); }
#endif
    /** Deletes one token without throwing. */
    [[nodiscard]] result try_delete_token(std::string_view token_id) const noexcept {
        mpt_outcome *told = nullptr;
        const detail::c_text text(token_id);
        (void)mpt_delete_token(client_.get(), text.get(), &told);
        return result(told);
    }

    /** Burns a leaked value with itself as the credential, without throwing. */
    [[nodiscard]] result try_burn(std::string_view token_value) const noexcept {
        mpt_outcome *told = nullptr;
        const detail::c_text text(token_value);
        (void)mpt_burn(client_.get(), text.get(), &told);
        return result(told);
    }

    /** Deletes one token without throwing, with options for this call. */
    [[nodiscard]] result try_delete_token(std::string_view token_id, const delete_options &options) const noexcept {
        mpt_outcome *told = nullptr;
        const detail::c_text text(token_id);
        const detail::c_text parent(options.trace_parent ? std::string_view(*options.trace_parent) : std::string_view());
        mpt_delete_options given = MPT_DELETE_OPTIONS_INIT;
        given.missing_ok = options.missing_ok ? 1 : 0;
        given.allow_own_token = options.allow_own_token ? 1 : 0;
        given.after_lost_answer = options.after_lost_answer ? 1 : 0;
        if (options.timeout) {
            // Nothing, and less, is refused, as in the config; to C, zero means the client's limit.
            const std::int64_t limit = options.timeout->count();
            given.timeout_ms = limit <= 0 ? UINT64_MAX : static_cast<std::uint64_t>(limit);
        }
        given.trace_parent = options.trace_parent ? parent.get() : nullptr;
        (void)mpt_delete_token_with(client_.get(), text.get(), &given, &told);
        return result(told);
    }

    /** Checks whether a leaked token is provably dead, without throwing. */
    [[nodiscard]] result try_prove_deleted(std::string_view token_value) const noexcept {
        mpt_outcome *told = nullptr;
        const detail::c_text text(token_value);
        (void)mpt_prove_deleted(client_.get(), text.get(), &told);
        return result(told);
    }

    /**
     * Deletes many tokens. Calls `on_outcome` on this thread with a `const mpt::result_view &` for each. It returns
     * nothing, or mpt::flow, and must not throw. If the batch cannot start, nothing is sent and `why` holds the reason;
     * otherwise `why` is empty.
     *
     * @return MPT_OK if every token is dead; otherwise a code, as mpt_delete_tokens returns it.
     */
    template <typename Ids, typename OnOutcome>
    [[nodiscard]] mpt_code try_delete_tokens(Ids &&ids, OnOutcome &&on_outcome, std::optional<result> &why,
                                             const batch_options &options = {}) const noexcept {
        return run(ids, on_outcome, why, options);
    }
    template <typename OnOutcome>
    [[nodiscard]] mpt_code try_delete_tokens(std::initializer_list<std::string_view> ids, OnOutcome &&on_outcome,
                                             std::optional<result> &why,
                                             const batch_options &options = {}) const noexcept {
        return run(ids, on_outcome, why, options);
    }
    /** The same; the value is what the other form returns, and the error why the batch cannot start. */
    template <typename Ids, typename OnOutcome>
    [[nodiscard]] expected<mpt_code> try_delete_tokens(Ids &&ids, OnOutcome &&on_outcome,
                                                       const batch_options &options = {}) const noexcept {
        std::optional<result> why;
        const mpt_code code = run(ids, on_outcome, why, options);
        return why ? expected<mpt_code>(std::move(*why)) : expected<mpt_code>(code);
    }
    template <typename OnOutcome>
    [[nodiscard]] expected<mpt_code> try_delete_tokens(std::initializer_list<std::string_view> ids,
                                                       OnOutcome &&on_outcome,
                                                       const batch_options &options = {}) const noexcept {
        return try_delete_tokens<std::initializer_list<std::string_view> &>(ids, on_outcome, options);
    }
    /** Starts a batch whose outcomes are taken one by one; on failure returns nullopt, and `why` holds the reason. */
    template <typename Ids>
    [[nodiscard]] std::optional<mpt::batch> try_batch(Ids &&ids, std::optional<result> &why,
                                                      const batch_options &options = {}) const noexcept {
        return start(ids, why, options);
    }
    [[nodiscard]] std::optional<mpt::batch> try_batch(std::initializer_list<std::string_view> ids,
                                                      std::optional<result> &why,
                                                      const batch_options &options = {}) const noexcept {
        return start(ids, why, options);
    }
    /** The same; the error says why the batch cannot start. */
    template <typename Ids>
    [[nodiscard]] expected<mpt::batch> try_batch(Ids &&ids, const batch_options &options = {}) const noexcept {
        std::optional<result> why;
        std::optional<mpt::batch> made = start(ids, why, options);
        return made ? expected<mpt::batch>(std::move(*made)) : expected<mpt::batch>(std::move(*why));
    }
    [[nodiscard]] expected<mpt::batch> try_batch(std::initializer_list<std::string_view> ids,
                                                 const batch_options &options = {}) const noexcept {
        return try_batch<std::initializer_list<std::string_view> &>(ids, options);
    }
    /**
     * Starts a batch that burns leaked values, as burn_batch does; on failure returns nullopt, and `why` holds the reason.
     */
    template <typename Values>
    [[nodiscard]] std::optional<mpt::batch> try_burn_batch(Values &&values, std::optional<result> &why,
                                                           const batch_options &options = {}) const noexcept {
        return start(values, why, options, mpt_burn_batch_new);
    }
    [[nodiscard]] std::optional<mpt::batch> try_burn_batch(std::initializer_list<std::string_view> values,
                                                           std::optional<result> &why,
                                                           const batch_options &options = {}) const noexcept {
        return start(values, why, options, mpt_burn_batch_new);
    }
    /** The same; the error says why the batch cannot start. */
    template <typename Values>
    [[nodiscard]] expected<mpt::batch> try_burn_batch(Values &&values,
                                                      const batch_options &options = {}) const noexcept {
        std::optional<result> why;
        std::optional<mpt::batch> made = start(values, why, options, mpt_burn_batch_new);
        return made ? expected<mpt::batch>(std::move(*made)) : expected<mpt::batch>(std::move(*why));
    }
    [[nodiscard]] expected<mpt::batch> try_burn_batch(std::initializer_list<std::string_view> values,
                                                      const batch_options &options = {}) const noexcept {
        return try_burn_batch<std::initializer_list<std::string_view> &>(values, options);
    }

#ifdef __cpp_exceptions
    /**
     * Deletes many tokens, as try_delete_tokens does. If `on_outcome` throws, the batch stops, and the exception is
     * rethrown once the calls under way are done; their outcomes are not reported.
     *
     * @return MPT_OK if every token is dead; otherwise a code, as mpt_delete_tokens returns it.
     * @throws mpt::error if the batch cannot start: nothing was sent then.
     */
    template <typename Ids, typename OnOutcome>
    [[nodiscard]] mpt_code delete_tokens(Ids &&ids, OnOutcome &&on_outcome, const batch_options &options = {}) const {
        std::exception_ptr thrown;
        std::optional<result> why;
        const auto catching = [&on_outcome, &thrown](const result_view &outcome) noexcept -> flow {
            if (thrown) {
                return flow::stop;
            }
            try {
                return detail::call(on_outcome, outcome);
            } catch (...) {
                thrown = std::current_exception();
                return flow::stop;
            }
        };
        const mpt_code code = run(ids, catching, why, options);
        if (why) {
            throw error(std::move(*why));
        }
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        return code;
    }

    template <typename OnOutcome>
    [[nodiscard]] mpt_code delete_tokens(std::initializer_list<std::string_view> ids, OnOutcome &&on_outcome,
                                         const batch_options &options = {}) const {
        return delete_tokens<std::initializer_list<std::string_view> &>(ids, on_outcome, options);
    }

    /** Starts a batch whose outcomes are taken one by one. @throws mpt::error if it cannot start. */
    [[nodiscard]] mpt::batch batch(std::initializer_list<std::string_view> ids,
                                   const batch_options &options = {}) const {
        return batch<std::initializer_list<std::string_view> &>(ids, options);
    }
    template <typename Ids> [[nodiscard]] mpt::batch batch(Ids &&ids, const batch_options &options = {}) const {
        std::optional<result> why;
        std::optional<mpt::batch> made = start(ids, why, options);
        if (!made) {
            throw error(std::move(*why));
        }
        return std::move(*made);
    }

    /**
     * Starts a batch that burns leaked values, each with itself as the credential, as mpt_burn_tokens does. Its outcomes
     * are taken one by one. A text that is not a value has an outcome without a token id.
     *
     * @throws mpt::error if it cannot start.
     */
    template <typename Values>
    [[nodiscard]] mpt::batch burn_batch(Values &&values, const batch_options &options = {}) const {
        std::optional<result> why;
        std::optional<mpt::batch> made = start(values, why, options, mpt_burn_batch_new);
        if (!made) {
            throw error(std::move(*why));
        }
        return std::move(*made);
    }
    [[nodiscard]] mpt::batch burn_batch(std::initializer_list<std::string_view> values,
                                        const batch_options &options = {}) const {
        return burn_batch<std::initializer_list<std::string_view> &>(values, options);
    }
#endif

    /** What it stands for, lent. */
    [[nodiscard]] const mpt_client *get() const & noexcept MPT_LIFETIMEBOUND { return client_.get(); }
    const mpt_client *get() const && = delete;

  private:
    explicit client(mpt_client *made) noexcept : client_(made) {}

    /** Throws only what copying the ids throws. */
    template <typename Ids, typename OnOutcome>
    [[nodiscard]] mpt_code run(Ids &ids, OnOutcome &on_outcome, std::optional<result> &why,
                 const batch_options &options) const {
        struct state {
            OnOutcome &call;
            std::optional<result> &why;
        } told{on_outcome, why};
        const auto tell = [](const mpt_outcome *outcome, void *user_data) noexcept -> int {
            auto &state_of = *static_cast<state *>(user_data);
            if (mpt_outcome_token_id(outcome) == nullptr) {
                state_of.why.emplace(result_view(outcome));
                return 1;
            }
            return detail::call(state_of.call, result_view(outcome)) == flow::stop ? 1 : 0;
        };
        why.reset();
        const detail::c_batch given(ids, options);
        const mpt_code code = mpt_delete_tokens(client_.get(), given.ids(), given.count(), given.options(), tell, &told);
        given.tell(options.summary);
        return code;
    }

    /** Throws only what copying the ids throws. */
    template <typename Ids>
    [[nodiscard]] std::optional<mpt::batch> start(Ids &ids, std::optional<result> &why, const batch_options &options,
                                                  decltype(&mpt_batch_new) make = mpt_batch_new) const {
        const detail::c_batch given(ids, options);
        mpt_batch *made = nullptr;
        mpt_outcome *refused = nullptr;
        why.reset();
        if (make(client_.get(), given.ids(), given.count(), given.options(), &made, &refused) != MPT_OK) {
            why.emplace(refused);
            return std::nullopt;
        }
        return mpt::batch(made);
    }

#ifdef __cpp_exceptions
    [[nodiscard]] static result checked(result told) {
        if (!told) {
            throw error(std::move(told));
        }
        return told;
    }
#endif

    std::unique_ptr<mpt_client, detail::end> client_;
};

} // namespace mpt

#undef MPT_LIFETIMEBOUND
#undef MPT_VISIBLE
#endif // C++17
#endif // MPT_TOKENS_HPP
