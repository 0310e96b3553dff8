data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}

output "supported" {
  value = provider::jdcloud::filter_instance_types(
    data.jdcloud_image_constraints.web, "img-ubuntu2204", ["g.n4.large", "g.n3.large", "g.n2.large"]
  )
}
