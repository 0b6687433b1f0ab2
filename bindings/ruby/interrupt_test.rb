# What the table of cases cannot ask for: Ruby's own ways to interrupt a call end it, and spoil nothing.
require "socket"
require "timeout"
require_relative "lib/mpt_tokens"

SERVER = TCPServer.new("127.0.0.1", 0)
MET = Queue.new
Thread.new { loop { MET << SERVER.accept } } # and never a word

CLIENT = MptTokens::Client.new(api_token: "x", base_url: "http://127.0.0.1:#{SERVER.addr[1]}", timeout: 600, attempt_timeout: 600)

# The exception comes long before the call would end by itself.
def ends_with(expected)
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  yield
  abort "#{expected} was not raised"
rescue expected
  took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
  abort "#{expected} took #{took} s" if took > 60
end

ends_with(Timeout::Error) { Timeout.timeout(0.5) { CLIENT.delete_token("TKN-1") } }

MET.clear
ends_with(Interrupt) do
  Thread.new { MET.pop && Process.kill("INT", Process.pid) } # when the call has connected
  CLIENT.delete_tokens(["TKN-2"]) { |outcome| abort "an outcome of a call that was interrupted: #{outcome}" }
end

# The client goes on, until it is cancelled itself.
MET.clear
call = Thread.new { CLIENT.delete_token("TKN-3") }
call.report_on_exception = false
MET.pop
CLIENT.cancel
begin
  call.value
  abort "a cancelled call must raise"
rescue MptTokens::Error => error
  abort "it ended otherwise: #{error}" unless error.code == "cancelled"
end

CLIENT.close
begin
  CLIENT.delete_token("TKN-4")
  abort "a closed client must raise"
rescue IOError
  # as it should
end
