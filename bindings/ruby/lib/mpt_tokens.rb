# frozen_string_literal: true

require "fiddle/import"
require "json"
require "time"

# Deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards.
module MptTokens
  # libmpt_tokens; the environment variable MPT_TOKENS_LIBRARY names another file. See mpt_tokens.h for what each
  # function does. Fiddle releases the interpreter's lock during a call, so other threads run.
  module Native # :nodoc:
    extend Fiddle::Importer
    dlload ENV.fetch("MPT_TOKENS_LIBRARY") { RUBY_PLATFORM.include?("darwin") ? "libmpt_tokens.1.dylib" : "libmpt_tokens.so.1" }

    SECONDS = %i[timeout attempt_timeout connect_timeout].freeze
    FLAGS = %i[missing_ok allow_own_token allow_plain_http ca_only burn_only].freeze
    TEXTS = %i[api_token base_url user_agent ca_file proxy].freeze

    extern "unsigned int mpt_abi_version()"
    extern "void *mpt_config_new_from_env()"
    extern "void mpt_config_free(void *)"
    extern "int mpt_config_set_attempts(void *, unsigned int)"
    extern "int mpt_config_set_backoff_ms(void *, unsigned long long, unsigned long long)"
    SECONDS.each { |name| extern "int mpt_config_set_#{name}_ms(void *, unsigned long long)" }
    FLAGS.each { |name| extern "int mpt_config_set_#{name}(void *, int)" }
    TEXTS.each { |name| extern "int mpt_config_set_#{name}(void *, const char *)" }
    extern "int mpt_client_new(void *, void *, void *)"
    extern "void *mpt_client_clone(void *)"
    extern "void mpt_client_cancel(void *)"
    extern "void mpt_client_free(void *)"
    extern "int mpt_delete_token(void *, const char *, void *)"
    extern "int mpt_burn(void *, const char *, void *)"
    extern "int mpt_burn_batch_new(void *, void *, size_t, void *, void *, void *)"
    extern "int mpt_batch_new(void *, void *, size_t, void *, void *, void *)"
    extern "void *mpt_batch_next(void *)"
    extern "const char *mpt_batch_stopped(void *)"
    extern "const char *mpt_batch_stopped_message(void *)"
    extern "int mpt_batch_stopped_code(void *)"
    extern "unsigned long long mpt_batch_skipped(void *)"
    extern "unsigned long long mpt_batch_not_pulled(void *)"
    extern "const char *mpt_code_name(int)"
    extern "void mpt_batch_free(void *)"
    extern "char *mpt_outcome_json(void *)"
    extern "void mpt_outcome_free(void *)"

    raise LoadError, "libmpt_tokens has the ABI #{mpt_abi_version}: expected 1" unless mpt_abi_version == 1

    FREE_CLIENT = Fiddle::Function.new(self["mpt_client_free"], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOID)

    # A C string ends at NUL, which would cut an id short; U+0001 is rejected just as NUL is.
    def self.text(value) = value.to_s.encode(Encoding::UTF_8).b.tr("\0", "\1")

    def self.milliseconds(seconds) = (seconds * 1000).ceil

    # 0 is the default for C, -1 (MPT_PATIENCE_NONE) is no patience, and what is below is refused.
    def self.patience(seconds)
      return 0 if seconds.nil?
      return -1 if seconds.zero?

      seconds.negative? ? [milliseconds(seconds), -2].min : milliseconds(seconds)
    end

    # Yields pointers for a function's results, and returns what it stored there.
    def self.out(count)
      places = Array.new(count) { "\0" * Fiddle::SIZEOF_VOIDP }
      yield(*places)
      places.map { |place| Fiddle::Pointer.new(place.unpack1("J")) }
    end
  end

  # The result of a call for one token: everything in its JSON, by name. +outcome+ is "deleted", "gone", "not_deleted"
  # or "unknown"; +rounds+ is the number of calls for it, more than 1 if a batch put it off and tried it again;
  # +retryable+ is whether trying again later can change the result; +retry_after+ is in seconds.
  Outcome = Struct.new(
    :id, :outcome, :code, :http_status, :attempts, :rounds, :problem, :message, :retryable, :retry_after, :trace_id, :elapsed_ms, :at
  ) do
    # Reads a native outcome and frees it.
    def self.take(pointer) # :nodoc:
      return if pointer.null?

      new(*JSON.parse(Native.mpt_outcome_json(pointer).to_s.force_encoding("UTF-8")).values_at(*members.map(&:to_s))).freeze
    ensure
      Native.mpt_outcome_free(pointer)
    end

    # When this became known: +at+, as a Time in UTC.
    def settled_at = Time.iso8601(at)

    # Returns true if the token is dead: deleted or gone.
    def success? = %w[deleted gone].include?(outcome)
  end

  # Why a batch stopped before the end of its list. +reason+ is "unauthorized", "paused", "no_answer", "journal", "asked" or
  # "cancelled"; +code+ is the code that comes nearest; +message+ also says what to do; +skipped+ counts ids that were
  # pulled and not tried, +not_pulled+ those that were not reached and have no outcome.
  Stopped = Struct.new(:reason, :code, :message, :skipped, :not_pulled) do
    def self.of(batch) # :nodoc:
      reason = Native.mpt_batch_stopped(batch)
      return if reason.null?

      new(
        reason.to_s,
        Native.mpt_code_name(Native.mpt_batch_stopped_code(batch)).to_s,
        Native.mpt_batch_stopped_message(batch).to_s.force_encoding("UTF-8"),
        Native.mpt_batch_skipped(batch),
        Native.mpt_batch_not_pulled(batch)
      ).freeze
    end

    def to_s = message
  end

  # A call after which the token is not known to be dead. +outcome+ has all that is known.
  class Error < StandardError
    attr_reader :outcome

    def initialize(outcome)
      @outcome = outcome
      super(outcome.message)
    end

    # What happened, by the name that every language uses: "not_found", "timeout"...
    def code = outcome.code

    # Returns true if the token may have been deleted anyway.
    def unknown? = outcome.outcome == "unknown"
  end

  # Deletes tokens. Threads may share it. #close, Client.open or the garbage collector closes it.
  class Client
    # Yields a new client, and closes it.
    def self.open(**options)
      client = new(**options)
      yield client
    ensure
      client&.close
    end

    # What is not given comes from the environment (MPT_API_TOKEN, MPT_API_BASE_URL, the usual proxy variables), or is
    # the library's default: api_token, base_url, user_agent, ca_file, proxy; attempts; timeout, attempt_timeout,
    # connect_timeout in seconds; backoff, the first pause and the longest; missing_ok, allow_own_token,
    # allow_plain_http, ca_only; burn_only, for a client without an API token that can only burn.
    def initialize(**options)
      config = Native.mpt_config_new_from_env
      options.each { |name, value| configure(config, name, value) unless value.nil? }
      @handle, refused = Native.out(2) { |client, outcome| Native.mpt_client_new(config, client, outcome) }
      raise Error, Outcome.take(refused) unless refused.null?

      @handle.free = Native::FREE_CLIENT
      @calls = []
    ensure
      Native.mpt_config_free(config) if config
    end

    # Deletes one token and returns its Outcome; raises Error if it is not dead afterwards.
    def delete_token(id) = one(:mpt_delete_token, id)

    # Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead. Returns
    # its Outcome; raises Error otherwise, with the code "dead_value" if it was dead already, or never was a value.
    def burn(value) = one(:mpt_burn, value)

    # Deletes many tokens, +concurrency+ at a time, and yields each Outcome, including failures, in order of completion.
    # Leaving the block stops the batch. Without a block, returns an Enumerator. +patience+ is how many seconds the batch
    # continues without a conclusive answer from the API: 600 by default, at most one week. A token whose call came to
    # nothing is put off and tried again meanwhile. 0: each token is tried in one call. +on_stop+ is called with a Stopped
    # if the batch stops before the end of the list: ids that were not reached have no outcome.
    def delete_tokens(ids, concurrency: 8, patience: nil, on_stop: nil, &block)
      unless block
        return enum_for(__method__, ids, concurrency: concurrency, patience: patience, on_stop: on_stop)
      end

      many(:mpt_batch_new, ids, concurrency, patience, on_stop, &block)
    end

    # Burns many leaked values, each with itself as the credential: see #burn. Otherwise as #delete_tokens. A text that is
    # not a value has an Outcome without an id.
    def burn_tokens(values, concurrency: 8, patience: nil, on_stop: nil, &block)
      unless block
        return enum_for(__method__, values, concurrency: concurrency, patience: patience, on_stop: on_stop)
      end

      many(:mpt_burn_batch_new, values, concurrency, patience, on_stop, &block)
    end

    # Cancels all calls under way, on any thread, and every later one. Safe in a signal handler.
    def cancel
      @cancelled = true
      @calls.dup.each { |call| Native.mpt_client_cancel(call) }
    end

    # Cancels the calls under way, and closes the connections.
    def close
      cancel
      @handle.call_free
    end

    private

    def one(native, id)
      text = Native.text(id)
      outcome = cancellable do |call|
        apart(call) { Outcome.take(Native.out(1) { |place| Native.public_send(native, call, text, place) }.first) }
      end
      outcome.success? ? outcome : raise(Error, outcome)
    end

    def many(native, ids, concurrency, patience, on_stop)
      cancellable do |call|
        batch = new_batch(native, call, ids.map { |id| Native.text(id) }, concurrency, Native.patience(patience))
        while (outcome = apart(call) { Outcome.take(Native.mpt_batch_next(batch)) })
          yield outcome
        end
        stopped = Stopped.of(batch)
        on_stop&.call(stopped) if stopped
      ensure
        Native.mpt_batch_free(batch) if batch
      end
      self
    end

    def configure(config, name, value)
      case name
      when *Native::TEXTS then Native.public_send("mpt_config_set_#{name}", config, Native.text(value))
      when *Native::FLAGS then Native.public_send("mpt_config_set_#{name}", config, value ? 1 : 0)
      when *Native::SECONDS then Native.public_send("mpt_config_set_#{name}_ms", config, Native.milliseconds(value))
      when :attempts then Native.mpt_config_set_attempts(config, value)
      when :backoff then Native.mpt_config_set_backoff_ms(config, *value.map { |pause| Native.milliseconds(pause) })
      else raise ArgumentError, "there is no option #{name}"
      end
    end

    def new_batch(native, call, texts, concurrency, patience)
      options = [32, concurrency, 0, 0, 0, patience].pack("L4Jq") # mpt_batch_options
      batch, refused = Native.out(2) do |place, outcome|
        Native.public_send(native, call, texts.pack("p*"), texts.size, options, place, outcome)
      end
      refused.null? ? batch : raise(Error, Outcome.take(refused))
    end

    # Yields a handle on the same connections that is cancelled separately.
    def cancellable
      raise IOError, "the client is closed" if @handle.freed?

      @calls << (call = Native.mpt_client_clone(@handle))
      Native.mpt_client_cancel(call) if @cancelled
      yield call
    ensure
      @calls.delete(call)
      Native.mpt_client_free(call) if call
    end

    # Runs the block on its own thread, since Ruby cannot interrupt a native call. Ctrl-C, Timeout and Thread#raise
    # arrive here at once, cancel the call, and are raised when it has ended.
    def apart(call, &block)
      worker = Thread.new(&block)
      worker.value
    ensure
      Thread.handle_interrupt(Object => :never) do
        Native.mpt_client_cancel(call) if worker&.alive?
        worker&.join
      end
    end
  end
end
