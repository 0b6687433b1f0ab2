// Drives mpt_tokens.hpp: what throws, what does not, and that nothing is lost whatever a caller throws in the middle.
#include <mpt_tokens.hpp>

#include <list>
#include <string>
#include <vector>

#include "check.h"

namespace {

// Each says of itself that it does not throw.
using mpt::batch_options;
using mpt::client;
using strings = std::vector<std::string>;
using maybe_why = std::optional<mpt::result>;
static_assert(noexcept(std::declval<const client &>().try_delete_token("x")));
static_assert(noexcept(std::declval<const client &>().try_prove_deleted("x")));
static_assert(noexcept(client::try_new(std::declval<const mpt::config &>(), std::declval<maybe_why &>())));
static_assert(noexcept(std::declval<const client &>().try_batch(std::declval<const strings &>(),
                                                                std::declval<maybe_why &>(),
                                                                std::declval<const batch_options &>())));
static_assert(noexcept(std::declval<const client &>().try_delete_tokens(
    std::declval<const strings &>(), std::declval<void (&)(const mpt::result_view &)>(), std::declval<maybe_why &>(),
    std::declval<const batch_options &>())));
static_assert(!std::is_copy_constructible_v<client> && std::is_nothrow_move_constructible_v<client>);
static_assert(!std::is_copy_constructible_v<mpt::batch> && std::is_nothrow_move_constructible_v<mpt::batch>);
static_assert(!std::is_copy_constructible_v<mpt::result> && std::is_nothrow_move_constructible_v<mpt::result>);
static_assert(!std::is_copy_constructible_v<mpt::config> && std::is_nothrow_move_constructible_v<mpt::config>);
static_assert(std::is_nothrow_copy_constructible_v<mpt::error>);
// What ends at once cannot be looked at later.
static_assert(!std::is_constructible_v<mpt::result_view, mpt::result>);
static_assert(std::is_copy_constructible_v<mpt::result_view> && !std::is_copy_assignable_v<mpt::result_view>);

// What a caller throws: with memory of its own, so that a leak of it is seen.
struct stop_here {
    std::string why = std::string(100, 'x');
};

client new_client() {
    return client(mpt::config::from_env().backoff(std::chrono::milliseconds(1), std::chrono::milliseconds(5)));
}

strings many(const std::string &name, int count) {
    strings ids;
    for (int i = 0; i < count; ++i) {
        ids.push_back("TKN-ok-" + name + std::to_string(i));
    }
    return ids;
}

template <typename Body> bool throws_stop_here(Body body) {
    try {
        body();
    } catch (const stop_here &thrown) {
        return thrown.why.size() == 100;
    }
    return false;
}

void a_callback_that_throws(const client &from) {
    for (const std::uint32_t concurrency : {1U, 8U}) {
        batch_options options;
        options.concurrency = concurrency;
        int told = 0;
        std::optional<mpt::result> kept;
        const strings ids = many("throw" + std::to_string(concurrency), 40);
        CHECK(throws_stop_here([&] {
            (void)from.delete_tokens(
                ids,
                [&](const mpt::result_view &outcome) {
                    kept.emplace(outcome);
                    if (++told == 3) {
                        throw stop_here{};
                    }
                },
                options);
        }));
        CHECK(told == 3); // nothing more is told after a throw
        CHECK(kept && *kept && kept->json().size() > 2);
        // The batch has ended: the same tokens go on to be deleted by another.
        int skipped = 0;
        CHECK(from.delete_tokens(ids, [](const mpt::result_view &) {}, options) != MPT_INTERNAL);
        CHECK(from.delete_tokens(many("next" + std::to_string(concurrency), 3), [&](const mpt::result_view &outcome) {
            skipped += outcome.code() == MPT_SKIPPED;
        }) == MPT_OK);
        CHECK(skipped == 0);
    }
}

void a_loop_body_that_throws(const client &from) {
    int told = 0;
    CHECK(throws_stop_here([&] {
        mpt::batch running = from.batch(many("loop", 40));
        while (const std::optional<mpt::result> outcome = running.next()) {
            CHECK(bool(*outcome));
            if (++told == 2) {
                throw stop_here{};
            }
        }
    }));
    CHECK(told == 2);
    CHECK(bool(from.try_delete_token("TKN-ok-afterloop")));
}

// A range whose elements throw while they are read: nothing was sent then.
struct failing_range {
    struct iterator {
        int at;
        std::string_view operator*() const {
            if (at == 2) {
                throw stop_here{};
            }
            return "TKN-ok-range";
        }
        iterator &operator++() {
            ++at;
            return *this;
        }
        bool operator!=(const iterator &other) const { return at != other.at; }
    };
    iterator begin() const { return {0}; }
    iterator end() const { return {3}; }
};

void ids_that_throw(const client &from) {
    int told = 0;
    CHECK(throws_stop_here([&] { (void)from.delete_tokens(failing_range{}, [&](const mpt::result_view &) { ++told; }); }));
    CHECK(throws_stop_here([&] { (void)from.batch(failing_range{}); }));
    CHECK(told == 0);
    CHECK(bool(from.try_delete_token("TKN-ok-range")));
}

// A range that makes each id as it is asked for it: it must be kept before it ends.
struct made_range {
    struct iterator {
        int at;
        std::string operator*() const { return "TKN-ok-" + std::string(40, 'm') + std::to_string(at); }
        iterator &operator++() {
            ++at;
            return *this;
        }
        bool operator!=(const iterator &other) const { return at != other.at; }
    };
    iterator begin() const { return {0}; }
    iterator end() const { return {3}; }
};

void ids_that_end_at_once(const client &from) {
    int told = 0;
    const auto count = [&](const mpt::result_view &outcome) {
        told += outcome.token_id()->size() == 48;
    };
    CHECK(from.delete_tokens(made_range{}, count) == MPT_OK);
    CHECK(told == 3);
}

void errors(const client &from) {
    std::optional<mpt::error> kept;
    try {
        (void)from.delete_token("TKN-403.always-e1");
    } catch (const mpt::error &error) {
        kept = error; // a copy outlives what was caught
    }
    CHECK(kept && kept->code() == MPT_FORBIDDEN && kept->kind() == mpt::kind::not_deleted);
    CHECK(kept && kept->told().token_id() == "TKN-403.always-e1" && kept->outcome() == "not_deleted");
    CHECK(kept && std::string(kept->what()) == kept->told().message());

    batch_options impossible;
    impossible.concurrency = 1000;
    mpt_code code = MPT_OK;
    int told = 0;
    const auto count = [&](const mpt::result_view &) { ++told; };
    try {
        (void)from.delete_tokens(many("e", 2), count, impossible);
    } catch (const mpt::error &error) {
        code = error.code();
    }
    CHECK(code == MPT_INVALID_ARGUMENT && told == 0);
    code = MPT_OK;
    try {
        (void)from.batch(many("e", 2), impossible);
    } catch (const mpt::error &error) {
        code = error.code();
    }
    CHECK(code == MPT_INVALID_ARGUMENT);
    code = MPT_OK;
    try {
        const client none{mpt::config()};
    } catch (const mpt::error &error) {
        code = error.code();
    }
    CHECK(code == MPT_INVALID_CONFIG);
    try {
        (void)from.prove_deleted("sesame");
    } catch (const mpt::error &error) {
        code = error.code();
    }
    CHECK(code == MPT_INVALID_ARGUMENT);
}

void without_exceptions(const client &from) {
    maybe_why why;
    batch_options impossible;
    impossible.concurrency = 1000;
    int told = 0;
    const auto count = [&](const mpt::result_view &) noexcept { ++told; };

    CHECK(from.try_delete_token("TKN-403.always-w1").code() == MPT_FORBIDDEN);
    CHECK(from.try_prove_deleted("sesame").code() == MPT_INVALID_ARGUMENT);
    CHECK(!client::try_new(mpt::config(), why) && why && why->code() == MPT_INVALID_CONFIG);
    CHECK(from.try_delete_tokens(many("w", 2), count, why, impossible) == MPT_INVALID_ARGUMENT);
    CHECK(told == 0 && why && why->code() == MPT_INVALID_ARGUMENT);
    CHECK(from.try_delete_tokens(many("w", 2), count, why) == MPT_OK);
    CHECK(told == 2 && !why);
    told = 0;
    (void)from.try_delete_tokens(
        many("flow", 40), [&](const mpt::result_view &) noexcept { return ++told == 2 ? mpt::flow::stop : mpt::flow::go_on; },
        why);
    CHECK(told >= 2 && !why);
    CHECK(!from.try_batch(many("w", 2), why, impossible) && why && why->code() == MPT_INVALID_ARGUMENT);
    std::optional<mpt::batch> running = from.try_batch(std::list<std::string>{"TKN-ok-w5", "TKN-ok-w6"}, why);
    CHECK(running && !why);
    told = 0;
    while (running && running->next()) {
        ++told;
    }
    CHECK(told == 2);
}

void patience(const client &from) {
    // All attempts of one call fail: what settles the token is a second one.
    const std::vector<std::string> ids{"TKN-503.503.503.503-p1"};
    batch_options options;
    options.concurrency = 1;
    options.patience = std::chrono::milliseconds(0);
    const auto before = std::chrono::system_clock::now() - std::chrono::seconds(1);
    mpt_code code = from.delete_tokens(
        ids, [&](const mpt::result_view &told) { CHECK(told.rounds() == 1 && told.attempts() == 4 && told.settled_at() > before); },
        options);
    CHECK(code == MPT_SERVER_ERROR);
    options.patience = std::chrono::minutes(1);
    code = from.delete_tokens(
        std::vector<std::string>{"TKN-503.503.503.503-p2"},
        [](const mpt::result_view &told) { CHECK(told.rounds() == 2 && told.attempts() == 5); }, options);
    CHECK(code == MPT_OK);
    options.patience = std::chrono::milliseconds(-1);
    maybe_why why;
    CHECK(!from.try_batch(ids, why, options) && why && why->code() == MPT_INVALID_ARGUMENT);
}

void batches_that_stop(const client &from) {
    const std::vector<std::string> ids{"TKN-ok-st1", "TKN-401.always-st2", "TKN-401.always-st3", "TKN-ok-st4"};
    batch_options options;
    options.concurrency = 1;
    maybe_why why;
    std::optional<mpt::batch> running = from.try_batch(ids, why, options);
    CHECK(running && !running->stopped() && running->not_pulled() == 4);
    while (running->next()) {
    }
    CHECK(running->stopped() && running->stopped()->reason == "unauthorized");
    CHECK(running->stopped()->code == MPT_UNAUTHORIZED && running->stopped()->message.find("401") != std::string::npos);
    CHECK(running->skipped() == 0 && running->not_pulled() == 1);

    mpt::batch_summary summary = running->summary();
    CHECK(summary.total == 3 && summary.deleted == 1 && summary.not_pulled == 1 && summary.not_found == 0);
    CHECK(summary.stopped && summary.stopped->code == MPT_UNAUTHORIZED);
    summary = mpt::batch_summary();
    options.summary = &summary;
    (void)from.delete_tokens(ids, [](const mpt::result_view &) {}, options);
    CHECK(summary.total == 3 && summary.not_pulled == 1 && summary.not_deleted == 3 && summary.not_found == 1);
    CHECK(summary.stopped && summary.stopped->reason == "unauthorized");
    CHECK(summary.stopped->message.find("MPT_API_TOKEN") != std::string::npos);
    (void)from.delete_tokens(many("stop", 3), [](const mpt::result_view &) {}, options);
    CHECK(summary.deleted == 3 && summary.total == 3 && summary.not_pulled == 0 && !summary.stopped);
    CHECK(!from.try_batch(ids, why, options) && why && why->code() == MPT_INVALID_ARGUMENT);
}

/** Values are ranges, or in braces, as ids are. */
void burning() {
    const client burner(mpt::config::from_env().burn_only());
    const char *const value = "idt:TKN-ok-wburn1:sandbox-secret";
    maybe_why why;
    std::optional<mpt::batch> first = burner.try_burn_batch({value, value, "sesame"}, why);
    CHECK(first && !why);
    while (first && first->next()) {
    }
    CHECK(first->summary().deleted == 1 && first->summary().duplicates == 1 && first->summary().total == 2);
    mpt::expected<mpt::batch> again = burner.try_burn_batch({value});
    CHECK(again && again->next()->code() == MPT_DEAD_VALUE && !again->next());
    CHECK(again->summary().dead_values == 1 && again->summary().not_deleted == 1);
    CHECK(burner.try_burn_batch(std::vector<std::string>{"idt:TKN-ok-wburn2:sandbox-secret"}).has_value());
    mpt::batch moved = std::move(*first);
    CHECK(first->summary().total == 0 && moved.summary().total == 2);
#ifdef __cpp_exceptions
    for (const mpt::result &told : burner.burn_batch({value})) {
        CHECK(told.code() == MPT_DEAD_VALUE);
    }
#endif
}

void moves(client from) {
    client other = std::move(from);
    CHECK(bool(other.try_delete_token("TKN-ok-m1")));
    CHECK(from.try_delete_token("TKN-ok-m2").code() == MPT_INVALID_ARGUMENT); // moved from: refused, no crash
    from = other.clone();
    other.cancel();
    CHECK(other.try_delete_token("TKN-ok-m2").code() == MPT_CANCELLED);
    mpt::result told = from.try_delete_token("TKN-ok-m2");
    mpt::result copy(static_cast<const mpt::result_view &>(told));
    told = std::move(copy);
    CHECK(bool(told) && told.is_proven() == false && !told.retryable() && told.http_status() == 204);
    mpt_outcome_free(told.release());
    CHECK(told.token_id() == std::nullopt);
}

void polled(const std::shared_ptr<int> &asked) {
    mpt::config settings = mpt::config::from_env().poll([asked] { return ++*asked >= 2; });
    CHECK(asked.use_count() == 2);
    std::optional<client> from(client(std::move(settings)));
    CHECK(from->try_delete_token("TKN-requestsilent.always-polled").code() == MPT_CANCELLED);
    CHECK(*asked == 2);
    from.reset(); // the config still has the function
    CHECK(asked.use_count() == 2);
    settings = mpt::config();
    CHECK(asked.use_count() == 1);
}

void loops(const client &from) {
    int told = 0;
    for (const mpt::result &one : from.batch({"TKN-ok-for1", "TKN-ok-for2", "TKN-ok-for3"})) {
        told += bool(one);
    }
    CHECK(told == 3);
    for (const mpt::result &one : from.batch(strings{})) {
        told += bool(one);
    }
    CHECK(told == 3);
    mpt::expected<mpt::batch> started = from.try_batch(strings{"TKN-ok-for4"});
    CHECK(started.has_value());
    for (mpt::result &one : *started) {
        const mpt::result mine = std::move(one);
        CHECK(mine.token_id() == "TKN-ok-for4");
    }
    CHECK(started->begin() == started->end());
}

void values_and_errors(const client &from) {
    batch_options impossible;
    impossible.concurrency = 1000;
    CHECK(from.try_batch({"TKN-ok-v1"}, impossible).error().code() == MPT_INVALID_ARGUMENT);
    mpt_code code = MPT_OK;
    try {
        (void)from.try_batch({"TKN-ok-v1"}, impossible).value();
    } catch (const mpt::error &error) {
        code = error.code();
    }
    CHECK(code == MPT_INVALID_ARGUMENT);
    int told = 0;
    const auto count = [&](const mpt::result_view &) noexcept { ++told; };
    CHECK(*from.try_delete_tokens({"TKN-ok-v2", "TKN-403.always-v3"}, count) == MPT_FORBIDDEN && told == 2);
    CHECK(from.try_delete_tokens({"TKN-ok-v4"}, count, impossible).error().code() == MPT_INVALID_ARGUMENT);
    CHECK(!client::try_new(mpt::config()) && client::try_new(mpt::config::from_env()).has_value());
    CHECK(from.try_delete_token("TKN-ok-v5").value().kind() == mpt::kind::deleted);
    const mpt::result refused = from.try_delete_token("TKN-403.always-v6");
    CHECK(!refused.has_value() && refused.error().code() == MPT_FORBIDDEN);
    code = MPT_OK;
    try {
        (void)refused.value();
    } catch (const mpt::error &error) {
        code = error.code();
    }
    CHECK(code == MPT_FORBIDDEN && mpt::version() == MPT_VERSION && mpt::abi_version() == MPT_ABI_VERSION);
    CHECK(mpt::code_name(code) == "forbidden" && mpt::outcome_name(mpt::kind::gone) == "gone");
}

} // namespace

int main() {
    const client from = new_client();
    a_callback_that_throws(from);
    a_loop_body_that_throws(from);
    ids_that_throw(from);
    ids_that_end_at_once(from);
    errors(from);
    without_exceptions(from);
    patience(from);
    polled(std::make_shared<int>(0));
    loops(from);
    values_and_errors(from);
    batches_that_stop(from);
    burning();
    moves(from.clone());
    return checks_done();
}
