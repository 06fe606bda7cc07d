package debian

// For tests.
var (
	SupplierOf = supplierOf
	VendorOf   = vendorOf
)
