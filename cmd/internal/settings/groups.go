package settings

const (
	natsGroup = "NATS"
	gitGroup  = "Git and storage"
)

func natsSchemes() []string { return []string{"nats", "tls", "ws", "wss"} }

func natsURL() []Setting {
	return []Setting{
		{Name: NATSURL, Group: natsGroup, Kind: URL, Schemes: natsSchemes(), Default: "nats://127.0.0.1:4222", Required: true, Usage: "address of the NATS server; a cluster's other servers are learned from it"},
	}
}

func embeddedNATS() []Setting {
	return []Setting{
		{Name: NATSURL, Group: natsGroup, Kind: URL, Schemes: natsSchemes(), Usage: "address of the NATS server; without it, a server runs inside the process"},
	}
}

func natsAccess() []Setting {
	return []Setting{
		{Name: NATSCredentialsFile, Group: natsGroup, Kind: Path, Usage: "credentials file with a user's JWT and seed"},
		{Name: NATSUser, Group: natsGroup, Usage: "user to log in as"},
		{Name: NATSPassword, Group: natsGroup, Kind: Secret, Usage: "password of the NATS user"},
		{Name: NATSToken, Group: natsGroup, Kind: Secret, Usage: "token to log in to NATS with"},
		{Name: NATSCAFile, Group: natsGroup, Kind: Path, Usage: "PEM certificates to trust beside the system's, for NATS"},
		{Name: NATSCertFile, Group: natsGroup, Kind: Path, Usage: "PEM certificate to show to the NATS server"},
		{Name: NATSKeyFile, Group: natsGroup, Kind: Path, Usage: "private key of that certificate"},
	}
}

func natsRules() []Rule {
	const oneWay = "there is one way to log in to a NATS server"
	const pair = "a certificate is of use only with its key"
	return []Rule{
		{If: NATSCredentialsFile, Excludes: []string{NATSUser, NATSPassword, NATSToken}, Because: oneWay},
		{If: NATSToken, Excludes: []string{NATSUser, NATSPassword}, Because: oneWay},
		{If: NATSUser, Needs: []string{NATSPassword}, Because: "a NATS user logs in with a password"},
		{If: NATSPassword, Needs: []string{NATSUser}, Because: "a password is that of a user"},
		{If: NATSCertFile, Needs: []string{NATSKeyFile}, Because: pair},
		{If: NATSKeyFile, Needs: []string{NATSCertFile}, Because: pair},
	}
}

// embeddedNATSRules catch the address that was forgotten: its credentials
// would be ignored without a word.
func embeddedNATSRules() []Rule {
	var rules []Rule
	for _, s := range natsAccess() {
		rules = append(rules, Rule{If: s.Name, Needs: []string{NATSURL}, Because: "the server inside the process takes no credentials"})
	}
	return rules
}

func git() []Setting {
	return []Setting{
		{Name: GitSSHKey, Group: gitGroup, Kind: Secret, Usage: "private key to fetch and push with over SSH; without it, HTTPS and the GitLab token are used"},
		{Name: GitKnownHostsFile, Group: gitGroup, Kind: Path, Usage: "known_hosts file with GitLab's host keys"},
		{Name: GitUserName, Group: gitGroup, Default: "Sluice", Required: true, Usage: "author of the commits"},
		{Name: GitUserEmail, Group: gitGroup, Default: "sluice@localhost", Required: true, Usage: "address of the commits' author"},
	}
}

func gitRules() []Rule {
	return []Rule{
		{If: GitSSHKey, Needs: []string{GitKnownHostsFile}, Because: "a server whose host key nobody knows could be anyone's"},
	}
}
