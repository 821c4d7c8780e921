package config

// brokerQuotaKeys are the broker's keys of how the rates of clients are counted.
var brokerQuotaKeys = []Key{
	{Name: "controller.quota.window.num", Type: Int, Default: "11", Rule: atLeast(1), Importance: Low,
		Doc: "Windows in which changes of topics are counted."},
	{Name: "controller.quota.window.size.seconds", Type: Int, Default: "1", Rule: atLeast(1), Importance: Low,
		Doc: "Length of a window in which changes of topics are counted."},
	{Name: "quota.window.num", Type: Int, Default: "11", Rule: atLeast(1), Importance: Low,
		Doc: "Windows in which clients' bytes, processor time and connections are counted."},
	{Name: "quota.window.size.seconds", Type: Int, Default: "1", Rule: atLeast(1), Importance: Low,
		Doc: "Length of a window in which clients' bytes, processor time and connections are counted."},
}
