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

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mpt_tokens.h"

namespace mpt {

/** What is true of the token. */
enum class kind : std::int32_t {
    deleted = MPT_OUTCOME_DELETED,
    gone = MPT_OUTCOME_GONE,
    not_deleted = MPT_OUTCOME_NOT_DELETED,
    unknown = MPT_OUTCOME_UNKNOWN
};

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
    const char *get() const noexcept { return text_.c_str(); }

  private:
    std::string text_;
};

inline std::optional<std::string_view> maybe(const char *text) noexcept {
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
    /** A temporary result cannot be viewed. */
    result_view(result &&) = delete;
    result_view &operator=(const result_view &) = delete;

    /** What is true of the token. */
    mpt::kind kind() const noexcept { return static_cast<mpt::kind>(mpt_outcome_kind(outcome_)); }
    /** The same as text: "deleted", "gone", "not_deleted" or "unknown". */
    std::string_view outcome() const noexcept { return mpt_outcome_name(mpt_outcome_kind(outcome_)); }
    /** True if the token is dead: deleted or gone. */
    explicit operator bool() const noexcept { return code() == MPT_OK; }
    /** What happened: MPT_OK, MPT_NOT_FOUND... */
    mpt_code code() const noexcept { return mpt_outcome_code(outcome_); }
    /** The same as text: "ok", "not_found"... */
    std::string_view code_name() const noexcept { return mpt_code_name(code()); }
    /** One sentence for people. */
    std::string_view message() const noexcept { return mpt_outcome_message(outcome_); }
    /** Everything, as one line of JSON. */
    std::string_view json() const noexcept { return mpt_outcome_json(outcome_); }
    /** The token id of the call. */
    std::optional<std::string_view> token_id() const noexcept {
        return mpt::detail::maybe(mpt_outcome_token_id(outcome_));
    }
    /** The HTTP status of the last response. */
    std::optional<int> http_status() const noexcept {
        const std::int32_t status = mpt_outcome_http_status(outcome_);
        return status == 0 ? std::nullopt : std::optional<int>(status);
    }
    /** The number of attempts. */
    std::uint32_t attempts() const noexcept { return mpt_outcome_attempts(outcome_); }
    /** The number of calls made for the token: more than 1 if a batch put it off and tried it again. */
    std::uint32_t rounds() const noexcept { return mpt_outcome_rounds(outcome_); }
    /** The title of the problem details, as the server sent it. */
    std::optional<std::string_view> title() const noexcept { return mpt::detail::maybe(mpt_outcome_title(outcome_)); }
    /** The detail of the problem details, as the server sent it. */
    std::optional<std::string_view> detail() const noexcept { return mpt::detail::maybe(mpt_outcome_detail(outcome_)); }
    /** True if trying again later can change the result; false if the token is dead or somebody must act first. */
    bool retryable() const noexcept { return mpt_outcome_retryable(outcome_) != 0; }
    /** How long the server asked to wait before the next attempt. */
    std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        const std::int64_t wait = mpt_outcome_retry_after_ms(outcome_);
        return wait < 0 ? std::nullopt : std::optional<std::chrono::milliseconds>(wait);
    }
    /** The trace id that was sent with every attempt. */
    std::optional<std::string_view> trace_id() const noexcept {
        return mpt::detail::maybe(mpt_outcome_trace_id(outcome_));
    }
    /** The server's own trace id. */
    std::optional<std::string_view> server_trace_id() const noexcept {
        return mpt::detail::maybe(mpt_outcome_server_trace_id(outcome_));
    }
    /** How long the whole call took. */
    std::chrono::microseconds elapsed() const noexcept {
        return std::chrono::microseconds(static_cast<std::chrono::microseconds::rep>(mpt_outcome_elapsed_us(outcome_)));
    }
    /** When this became known: when the last response came, or the call was given up. */
    std::chrono::system_clock::time_point settled_at() const noexcept {
        return std::chrono::system_clock::time_point(std::chrono::milliseconds(mpt_outcome_settled_at_ms(outcome_)));
    }
    /** True if prove_deleted proved that the token is dead. */
    bool is_proven() const noexcept { return mpt_outcome_is_proven(outcome_) != 0; }
    /** What the proof rests on: "control" or "accepted_before". */
    std::optional<std::string_view> proof_basis() const noexcept {
        return mpt::detail::maybe(mpt_outcome_proof_basis(outcome_));
    }
    /** What it stands for, lent. */
    const mpt_outcome *get() const noexcept { return outcome_; }

  protected:
    const mpt_outcome *outcome_;
};

/** The result of a call. */
class result : public result_view {
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
    mpt_outcome *release() noexcept {
        outcome_ = nullptr;
        return owned_.release();
    }

  private:
    std::unique_ptr<mpt_outcome, detail::end> owned_;
};

#ifdef __cpp_exceptions
/** A call that failed: the token was not deleted, or may have been. */
class error : public std::runtime_error {
  public:
    explicit error(result what_was_told)
        : std::runtime_error(std::string(what_was_told.message())),
          told_(std::make_shared<const result>(std::move(what_was_told))) {}

    /** All that is known. */
    const result &told() const noexcept { return *told_; }
    /** What is true of the token. */
    mpt::kind kind() const noexcept { return told_->kind(); }
    /** The same as text: "not_deleted" or "unknown". */
    std::string_view outcome() const noexcept { return told_->outcome(); }
    /** What happened. */
    mpt_code code() const noexcept { return told_->code(); }

  private:
    std::shared_ptr<const result> told_; // shared, so that copying the exception does not throw
};
#endif

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

/** The settings of a client. A value that cannot be used is reported when the client is created. */
class config {
  public:
    /** Uses the defaults, and nothing from the environment. */
    config() : config_(mpt_config_new()) {}
    /** Reads the environment: MPT_API_TOKEN, MPT_API_BASE_URL, and the proxy variables. */
    static config from_env() { return config(mpt_config_new_from_env()); }

    config &api_token(std::string_view value) { return set(mpt_config_set_api_token, value); }
    config &base_url(std::string_view url) { return set(mpt_config_set_base_url, url); }
    config &user_agent(std::string_view product) { return set(mpt_config_set_user_agent, product); }
    config &ca_file(std::string_view path) { return set(mpt_config_set_ca_file, path); }
    config &timeout(std::chrono::milliseconds limit) { return set(mpt_config_set_timeout_ms, limit); }
    config &attempt_timeout(std::chrono::milliseconds limit) { return set(mpt_config_set_attempt_timeout_ms, limit); }
    config &connect_timeout(std::chrono::milliseconds limit) { return set(mpt_config_set_connect_timeout_ms, limit); }
    config &ca_only(bool yes = true) { return set(mpt_config_set_ca_only, yes); }
    config &missing_ok(bool yes = true) { return set(mpt_config_set_missing_ok, yes); }
    config &allow_own_token(bool yes = true) { return set(mpt_config_set_allow_own_token, yes); }
    config &allow_plain_http(bool yes = true) { return set(mpt_config_set_allow_plain_http, yes); }
    config &attempts(std::uint32_t attempts) {
        (void)mpt_config_set_attempts(config_.get(), attempts);
        return *this;
    }
    config &backoff(std::chrono::milliseconds base, std::chrono::milliseconds cap) {
        (void)mpt_config_set_backoff_ms(config_.get(), count(base), count(cap));
        return *this;
    }
    config &proxy(std::string_view url) { return set(mpt_config_set_proxy, url); }
    config &no_proxy() {
        (void)mpt_config_set_proxy(config_.get(), nullptr);
        return *this;
    }
    config &proxy_from_env() {
        (void)mpt_config_set_proxy_from_env(config_.get());
        return *this;
    }
    /** What it stands for, lent. */
    const mpt_config *get() const noexcept { return config_.get(); }

  private:
    explicit config(mpt_config *made) noexcept : config_(made) {}

    /** The config keeps the error of a setter and reports it when the client is created. */
    config &set(mpt_code (*setter)(mpt_config *, const char *), std::string_view value) {
        const detail::c_text text(value);
        (void)setter(config_.get(), text.get());
        return *this;
    }
    config &set(mpt_code (*setter)(mpt_config *, std::uint64_t), std::chrono::milliseconds limit) {
        (void)setter(config_.get(), count(limit));
        return *this;
    }
    config &set(mpt_code (*setter)(mpt_config *, std::int32_t), bool yes) {
        (void)setter(config_.get(), yes ? 1 : 0);
        return *this;
    }
    /** A negative duration becomes a number far out of range. */
    static std::uint64_t count(std::chrono::milliseconds limit) noexcept {
        return static_cast<std::uint64_t>(limit.count());
    }

    std::unique_ptr<mpt_config, detail::end> config_;
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
};

namespace detail {

/** Ids and options for C. */
class c_batch {
  public:
    template <typename Ids> c_batch(const Ids &ids, const batch_options &options) {
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
            const auto limit = static_cast<std::int64_t>(options.patience->count());
            options_.patience_ms = limit == 0 ? MPT_PATIENCE_NONE : limit < 0 ? INT64_MIN : limit;
        }
        if (options.journal) {
            journal_ = std::make_unique<c_text>(*options.journal);
            options_.journal = journal_->get();
        }
    }
    c_batch(const c_batch &) = delete;
    c_batch &operator=(const c_batch &) = delete;
    const char *const *ids() const noexcept { return ids_.data(); }
    std::size_t count() const noexcept { return ids_.size(); }
    const mpt_batch_options *options() const noexcept { return &options_; }

  private:
    std::vector<std::unique_ptr<c_text>> text_;
    std::vector<const char *> ids_;
    std::unique_ptr<c_text> journal_;
    mpt_batch_options options_ = MPT_BATCH_OPTIONS_INIT;
};

} // namespace detail

/** A running batch: take its outcomes one by one. The destructor waits for the calls under way. */
class batch {
  public:
    /** Takes ownership of a batch of the C library. */
    explicit batch(mpt_batch *made) noexcept : batch_(made) {}
    /** Returns the next outcome in order of completion; nullopt when there are no more. */
    std::optional<result> next() noexcept {
        mpt_outcome *told = mpt_batch_next(batch_.get());
        return told == nullptr ? std::nullopt : std::optional<result>(result(told));
    }
    /** Takes no more ids; keep calling `next` until it returns nullopt. */
    void stop() noexcept { mpt_batch_stop(batch_.get()); }

  private:
    std::unique_ptr<mpt_batch, detail::end> batch_;
};

/** Deletes tokens. Any number of threads may use it at once. */
class client {
  public:
#ifdef __cpp_exceptions
    /** @throws mpt::error if the config cannot be used. */
    explicit client(const config &from) {
        mpt_client *made = nullptr;
        mpt_outcome *why = nullptr;
        if (mpt_client_new(from.get(), &made, &why) != MPT_OK) {
            throw error(result(why));
        }
        client_.reset(made);
    }
#endif
    /** Creates a client without throwing; on failure returns nullopt, and `why` holds the reason. */
    static std::optional<client> try_new(const config &from, std::optional<result> &why) noexcept {
        mpt_client *made = nullptr;
        mpt_outcome *told = nullptr;
        if (mpt_client_new(from.get(), &made, &told) != MPT_OK) {
            why.emplace(told);
            return std::nullopt;
        }
        return client(made);
    }
    /** Creates a second client that shares the connections but is cancelled separately. */
    client clone() const noexcept { return client(mpt_client_clone(client_.get())); }
    /** Cancels calls under way and all later ones, from any thread. For signal handlers: mpt_client_cancel(get()). */
    void cancel() const noexcept { mpt_client_cancel(client_.get()); }

#ifdef __cpp_exceptions
    /** Deletes one token. @throws mpt::error if it is not dead afterwards. */
    result delete_token(std::string_view token_id) const { return checked(try_delete_token(token_id)); }
    /** Checks whether a leaked token is provably dead: see `is_proven`. @throws mpt::error if it may be alive. */
    result prove_deleted(std::string_view token_value) const { return checked(try_prove_deleted(token_value)); }
#endif
    /** Deletes one token without throwing. */
    result try_delete_token(std::string_view token_id) const noexcept {
        mpt_outcome *told = nullptr;
        const detail::c_text text(token_id);
        (void)mpt_delete_token(client_.get(), text.get(), &told);
        return result(told);
    }

    /** Checks whether a leaked token is provably dead, without throwing. */
    result try_prove_deleted(std::string_view token_value) const noexcept {
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
    mpt_code try_delete_tokens(const Ids &ids, OnOutcome &&on_outcome, std::optional<result> &why,
                               const batch_options &options = {}) const noexcept {
        return run(ids, on_outcome, why, options);
    }
    /** Starts a batch whose outcomes are taken one by one; on failure returns nullopt, and `why` holds the reason. */
    template <typename Ids>
    std::optional<mpt::batch> try_batch(const Ids &ids, std::optional<result> &why,
                                        const batch_options &options = {}) const noexcept {
        return begin(ids, why, options);
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
    mpt_code delete_tokens(const Ids &ids, OnOutcome &&on_outcome, const batch_options &options = {}) const {
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

    /** Starts a batch whose outcomes are taken one by one. @throws mpt::error if it cannot start. */
    template <typename Ids> mpt::batch batch(const Ids &ids, const batch_options &options = {}) const {
        std::optional<result> why;
        std::optional<mpt::batch> made = begin(ids, why, options);
        if (!made) {
            throw error(std::move(*why));
        }
        return std::move(*made);
    }
#endif

    /** What it stands for, lent. */
    const mpt_client *get() const noexcept { return client_.get(); }

  private:
    explicit client(mpt_client *made) noexcept : client_(made) {}

    /** Throws only what copying the ids throws. */
    template <typename Ids, typename OnOutcome>
    mpt_code run(const Ids &ids, OnOutcome &on_outcome, std::optional<result> &why,
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
        return mpt_delete_tokens(client_.get(), given.ids(), given.count(), given.options(), tell, &told);
    }

    /** Throws only what copying the ids throws. */
    template <typename Ids>
    std::optional<mpt::batch> begin(const Ids &ids, std::optional<result> &why, const batch_options &options) const {
        const detail::c_batch given(ids, options);
        mpt_batch *made = nullptr;
        mpt_outcome *refused = nullptr;
        why.reset();
        if (mpt_batch_new(client_.get(), given.ids(), given.count(), given.options(), &made, &refused) != MPT_OK) {
            why.emplace(refused);
            return std::nullopt;
        }
        return mpt::batch(made);
    }

#ifdef __cpp_exceptions
    static result checked(result told) {
        if (!told) {
            throw error(std::move(told));
        }
        return told;
    }
#endif

    std::unique_ptr<mpt_client, detail::end> client_;
};

} // namespace mpt

#endif // MPT_TOKENS_HPP
