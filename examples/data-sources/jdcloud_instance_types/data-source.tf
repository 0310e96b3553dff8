data "jdcloud_instance_types" "small" {
  zones         = ["cn-north-1a", "cn-north-1b"]
  in_stock      = true
  min_cpu       = 2
  min_memory_mb = 4096
  architecture  = "x86_64"
}

output "instance_type_names" {
  value = data.jdcloud_instance_types.small.instance_type_names
}
