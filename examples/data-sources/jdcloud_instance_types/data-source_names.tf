data "jdcloud_instance_types" "given" {
  names = ["g.n4.large", "c.n3.large"]
}

output "zones_in_stock" {
  value = {
    for type in data.jdcloud_instance_types.given.instance_types :
    type.instance_type => [for zone in type.zones : zone.az if zone.in_stock == true]
  }
}
