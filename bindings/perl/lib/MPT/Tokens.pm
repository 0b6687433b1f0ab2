package MPT::Tokens;

use v5.26;
use warnings;

use Carp ();
use FFI::Platypus 2.00;
use FFI::Platypus::Buffer ();
use JSON::PP ();
use POSIX ();

our $VERSION = '0.1.0';

# libmpt_tokens; the environment variable MPT_TOKENS_LIBRARY names another file. See mpt_tokens.h for what each function
# does and who owns what.
my $ffi = FFI::Platypus->new(api => 2);
$ffi->lib($ENV{MPT_TOKENS_LIBRARY} // ($^O eq 'darwin' ? 'libmpt_tokens.1.dylib' : 'libmpt_tokens.so.1'));
$ffi->type('(opaque)->int', 'poll');
$ffi->attach(@$_) for (
    [mpt_abi_version         => []                                                                 => 'uint32'],
    [mpt_config_new_from_env => []                                                                 => 'opaque'],
    [mpt_config_free         => ['opaque']                                                         => 'void'],
    [mpt_client_new          => ['opaque', 'opaque*', 'opaque*']                                   => 'sint32'],
    [mpt_client_clone        => ['opaque']                                                         => 'opaque'],
    [mpt_client_cancel       => ['opaque']                                                         => 'void'],
    [mpt_client_free         => ['opaque']                                                         => 'void'],
    [mpt_delete_token        => ['opaque', 'string', 'opaque*']                                    => 'sint32'],
    [mpt_burn                => ['opaque', 'string', 'opaque*']                                    => 'sint32'],
    [mpt_burn_batch_new      => ['opaque', 'string[]', 'size_t', 'opaque', 'opaque*', 'opaque*']   => 'sint32'],
    [mpt_batch_new           => ['opaque', 'string[]', 'size_t', 'opaque', 'opaque*', 'opaque*']   => 'sint32'],
    [mpt_batch_next          => ['opaque']                                                         => 'opaque'],
    [mpt_batch_free          => ['opaque']                                                         => 'void'],
    [mpt_batch_stopped       => ['opaque']                                                         => 'string'],
    [mpt_batch_stopped_message => ['opaque']                                                       => 'string'],
    [mpt_batch_stopped_code  => ['opaque']                                                         => 'sint32'],
    [mpt_batch_skipped       => ['opaque']                                                         => 'uint64'],
    [mpt_batch_not_pulled    => ['opaque']                                                         => 'uint64'],
    [mpt_code_name           => ['sint32']                                                         => 'string'],
    [mpt_outcome_json        => ['opaque']                                                         => 'string'],
    [mpt_outcome_free        => ['opaque']                                                         => 'void'],
);
die 'libmpt_tokens has the ABI ' . mpt_abi_version() . ': expected 1' if mpt_abi_version() != 1;

my $seconds = sub { POSIX::ceil($_[0] * 1000) };
# 0 is the default for C, -1 (MPT_PATIENCE_NONE) is no patience, and what is below is refused.
my $patience = sub {
    my ($given) = @_;
    return 0 unless defined $given;
    return $given == 0 ? -1 : $given > 0 ? $seconds->($given) : -2 + $seconds->($given);
};
# A C string ends at NUL, which would cut an id short; U+0001 is rejected just as NUL is.
my $text   = sub { utf8::encode(my $bytes = $_[0] =~ tr/\0/\1/r); $bytes };
my $flag   = sub { $_[0] ? 1 : 0 };
my $number = sub { $_[0] };

# The options of a client: the end of each setter's name, what converts the value, and the types.
my %options = (
    (map { $_ => ['', $text, 'string'] } qw(api_token base_url user_agent ca_file proxy)),
    (map { $_ => ['_ms', $seconds, 'uint64'] } qw(timeout attempt_timeout connect_timeout)),
    (map { $_ => ['', $flag, 'sint32'] } qw(missing_ok allow_own_token allow_plain_http ca_only burn_only)),
    attempts => ['', $number, 'uint32'],
    backoff  => ['_ms', sub { map { $seconds->($_) } @{ $_[0] } }, 'uint64', 'uint64'],
);
for my $name (keys %options) {
    my ($end, $convert, @types) = @{ $options{$name} };
    my $set = $ffi->function("mpt_config_set_$name$end", ['opaque', @types], 'sint32');
    $options{$name} = sub { $set->call($_[0], $convert->($_[1])) };
}

# Perl runs signal handlers between its own operations, and there are none during a native call. So all signals are
# blocked during a call, and delivered whenever the library polls. If a handler dies, the call ends, and the error is
# raised after it. The threads of a batch inherit the mask and get no signals.
my $all = POSIX::SigSet->new;
$all->fillset;
our ($before, $died);    # during a call: the signals that were held back before, and a handler's last words
my @ended;    # handles that ended meanwhile: a handler may do nothing with the library but cancel
my $poll = $ffi->closure(sub {
    return 0 unless $before;
    eval {
        POSIX::sigprocmask(POSIX::SIG_SETMASK, $before);
        POSIX::sigprocmask(POSIX::SIG_SETMASK, $all);
        1;
    } or do {
        POSIX::sigprocmask(POSIX::SIG_SETMASK, $all);
        $died //= \(my $error = $@);
    };
    return $died ? 1 : 0;
});
my $set_poll = $ffi->function(mpt_config_set_poll => ['opaque', 'poll', 'opaque'], 'sint32');

# Returns the outcome of a native call, if there is one, and a reference to the error that a signal handler died with
# meanwhile.
sub _call {
    my ($native) = @_;
    Carp::croak('a signal handler cannot begin a call while another one is under way') if $before;
    my ($outcome, $error);
    {
        local ($before, $died) = POSIX::SigSet->new;
        POSIX::sigprocmask(POSIX::SIG_SETMASK, $all, $before);
        my $pointer = $native->();
        $outcome = MPT::Tokens::Outcome::_take($pointer) if $pointer;
        ($error, my $mask) = ($died, $before);
        undef $before;
        $_->() for splice @ended;
        POSIX::sigprocmask(POSIX::SIG_SETMASK, $mask);
    }
    return ($outcome, $error);
}

# Frees a handle, now or after the call under way; not at the end of the program, when Perl has destroyed what that
# needs.
sub _end {
    my ($end) = @_;
    return if ${^GLOBAL_PHASE} eq 'DESTRUCT';
    $before ? push @ended, $end : $end->();
    return;
}

sub new {
    my ($class, %given) = @_;
    my $config = mpt_config_new_from_env();
    my $client;
    my $made = eval {
        $set_poll->call($config, $poll, undef);
        for my $name (grep { defined $given{$_} } sort keys %given) {
            ($options{$name} // Carp::croak("there is no option $name"))->($config, $given{$name});
        }
        mpt_client_new($config, \$client, \my $refused);
        MPT::Tokens::Error::_check($refused);
        1;
    };
    my $error = $@;
    mpt_config_free($config);
    die $error unless $made;
    return bless { handle => $client, calls => {} }, $class;
}

sub delete_token { my ($self, $id) = @_; return $self->_one(\&mpt_delete_token, $id) }

sub burn { my ($self, $value) = @_; return $self->_one(\&mpt_burn, $value) }

sub _one {
    my ($self, $native, $id) = @_;
    my ($call, $bytes) = (MPT::Tokens::Call->new($self), $text->($id));
    my ($outcome, $died) = _call(sub { $native->($call->{handle}, $bytes, \my $place); $place });
    die $$died if $died;
    return $outcome->is_dead ? $outcome : die MPT::Tokens::Error->new($outcome);
}

sub delete_tokens { my ($self, $ids, %given) = @_; return $self->_many(\&mpt_batch_new, $ids, %given) }

sub burn_tokens { my ($self, $values, %given) = @_; return $self->_many(\&mpt_burn_batch_new, $values, %given) }

sub _many {
    my ($self, $native, $ids, %given) = @_;
    my $call    = MPT::Tokens::Call->new($self);
    my @ids     = map { $text->($_) } @$ids;
    my $journal = defined $given{journal} ? $text->($given{journal}) : undef;
    my $options = pack 'L2 l2 p q', 32, $given{concurrency} // 0, 0, 0, $journal, $patience->($given{patience});    # mpt_batch_options
    my ($address) = FFI::Platypus::Buffer::scalar_to_buffer($options);
    $native->($call->{handle}, \@ids, scalar @ids, $address, \my $batch, \my $refused);
    MPT::Tokens::Error::_check($refused);
    return bless { handle => $batch, call => $call, process => $$, kept => [] }, 'MPT::Tokens::Batch';
}

sub cancel {
    my ($self) = @_;
    $self->{cancelled} = 1;
    mpt_client_cancel($_) for values %{ $self->{calls} };
    return;
}

sub close {
    my ($self) = @_;
    my $handle = delete $self->{handle} // return;
    $self->cancel;
    return _end(sub { mpt_client_free($handle) });
}

sub DESTROY    { $_[0]->close }
sub CLONE_SKIP { 1 }

# A handle on the same connections that is cancelled separately.
package MPT::Tokens::Call {
    sub new {
        my ($class, $client) = @_;
        my $handle = MPT::Tokens::mpt_client_clone($client->{handle} // Carp::croak('the client is closed'));
        MPT::Tokens::mpt_client_cancel($handle) if $client->{cancelled};
        $client->{calls}{$handle} = $handle;
        return bless { handle => $handle, calls => $client->{calls} }, $class;
    }

    sub DESTROY {
        my ($self) = @_;
        my $handle = delete $self->{calls}{ $self->{handle} };
        return MPT::Tokens::_end(sub { MPT::Tokens::mpt_client_free($handle) });
    }

    sub CLONE_SKIP { 1 }
}

package MPT::Tokens::Batch {
    sub next {
        my ($self) = @_;
        return shift @{ $self->{kept} } if @{ $self->{kept} };
        my ($outcome, $died) = MPT::Tokens::_call(sub { MPT::Tokens::mpt_batch_next($self->{handle}) });
        return $outcome unless $died;
        push @{ $self->{kept} }, $outcome // ();
        die $$died;
    }

    sub stopped {
        my $handle = $_[0]{handle};
        my $reason = MPT::Tokens::mpt_batch_stopped($handle) // return;
        utf8::decode(my $message = MPT::Tokens::mpt_batch_stopped_message($handle));
        return {
            reason     => $reason,
            code       => MPT::Tokens::mpt_code_name(MPT::Tokens::mpt_batch_stopped_code($handle)),
            message    => $message,
            skipped    => MPT::Tokens::mpt_batch_skipped($handle),
            not_pulled => MPT::Tokens::mpt_batch_not_pulled($handle),
        };
    }

    # The threads of a batch stay in the process that made it.
    sub DESTROY {
        my ($handle, $call, $process) = @{ $_[0] }{qw(handle call process)};
        return MPT::Tokens::_end(sub { MPT::Tokens::mpt_batch_free($handle); undef $call }) if $process == $$;
    }

    sub CLONE_SKIP { 1 }
}

package MPT::Tokens::Outcome {
    my @MEMBERS = qw(
        id outcome code http_status attempts rounds problem message retryable retry_after trace_id elapsed_ms at
    );
    for my $name (@MEMBERS) {
        no strict 'refs';
        *$name = sub { $_[0]{$name} };
    }

    # Reads a native outcome and frees it.
    sub _take {
        my ($pointer) = @_;
        my $json = MPT::Tokens::mpt_outcome_json($pointer);
        MPT::Tokens::mpt_outcome_free($pointer);
        return bless JSON::PP->new->utf8->decode($json), __PACKAGE__;
    }

    sub is_dead { $_[0]{code} eq 'ok' }
}

package MPT::Tokens::Error {
    use overload '""' => sub { $_[0]{outcome}->message . "\n" }, bool => sub { 1 }, fallback => 1;

    sub new        { bless { outcome => $_[1] }, $_[0] }
    sub outcome    { $_[0]{outcome} }
    sub code       { $_[0]{outcome}->code }
    sub is_unknown { $_[0]{outcome}->outcome eq 'unknown' }

    # Dies with an error for a native outcome, if there is one.
    sub _check { die __PACKAGE__->new(MPT::Tokens::Outcome::_take($_[0])) if $_[0] }
}

1;

__END__

=encoding utf8

=head1 NAME

MPT::Tokens - deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards

=head1 SYNOPSIS

    my $client = MPT::Tokens->new(timeout => 30);
    say $client->delete_token('TKN-1671-0642')->message;

    my $batch = $client->delete_tokens(\@ids, concurrency => 8);
    while (my $outcome = $batch->next) { say $outcome->message }

=head1 CLIENT

=head2 new(%options)

What is not given comes from the environment (MPT_API_TOKEN, MPT_API_BASE_URL, the usual proxy variables), or is the
library's default: C<api_token>, C<base_url>, C<user_agent>, C<ca_file>, C<proxy>; C<attempts>; C<timeout>,
C<attempt_timeout>, C<connect_timeout> in seconds; C<backoff>, an array of the first pause and the longest;
C<missing_ok>, C<allow_own_token>, C<allow_plain_http>, C<ca_only>; C<burn_only>, for a client without an API token that
can only burn.

=head2 delete_token($id)

Deletes one token and blocks until the outcome is known. Returns the outcome; dies with an error if the token is not
dead afterwards. Ids are text: characters, not bytes.

=head2 burn($value)

Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead. Returns and
dies as C<delete_token> does; the code C<dead_value> means that it was dead already, or never was a value.

=head2 burn_tokens(\@values, %options)

Burns many leaked values, each with itself as the credential. Takes and returns what C<delete_tokens> does.

=head2 delete_tokens(\@ids, concurrency => 8, journal => $path, patience => 600)

Returns a batch. Its C<next> waits for the next outcome, including failures, in order of completion; it returns undef
when there are no more. When the last reference goes away, the batch starts no more calls and waits for those under way.
C<journal> is the path of a write-ahead record. C<patience> is how many seconds the batch continues without a conclusive
answer from the API, at most one week: a token whose call came to nothing is put off and tried again meanwhile. With 0 each
token is tried in one call.

A batch can stop before the end of its list; ids that were not reached have no outcome. After the last outcome, its
C<stopped> returns undef, or a hash with C<reason> (C<unauthorized>, C<paused>, C<no_answer>, C<journal>, C<cancelled>),
C<code>, C<message>, C<skipped> and C<not_pulled>.

=head2 cancel, close

C<cancel> cancels all calls: those under way within 200 ms, and every later one. C<close> also closes the connections;
so does the end of the last reference.

=head1 SIGNALS

Signal handlers run during a call, within 50 ms. A handler may C<cancel> the client. If it dies, the call ends, and its
error is raised from there. A handler cannot make another call meanwhile.

=head1 OUTCOME

C<id>; C<outcome>, which is "deleted", "gone", "not_deleted" or "unknown"; C<is_dead>, deleted or gone; C<code>, "ok" or
what happened; C<http_status>; C<attempts>, an array; C<rounds>, the number of calls for the token, more than 1 if a batch
put it off and tried it again; C<problem>, the server's problem details; C<message>;
C<retryable>, whether trying again later can change the result; C<retry_after> in seconds; C<trace_id>; C<elapsed_ms>;
C<at>, when this became known, in UTC (RFC 3339).
What is not known is undef.

=head1 ERROR

An C<MPT::Tokens::Error> has the C<outcome>, its C<code>, and C<is_unknown>, which is true if the token may be dead
anyway. As a string, it is the message.

=cut
